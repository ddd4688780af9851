import desk from './desk.json';
import queues from './queues.json';
import shell from './shell.json';
import studio from './studio.json';
import webhooks from './webhooks.json';

export default { ...shell, ...desk, ...studio, ...queues, ...webhooks };
