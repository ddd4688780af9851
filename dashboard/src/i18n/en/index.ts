import desk from './desk.json';
import shell from './shell.json';
import studio from './studio.json';

export default { ...shell, ...desk, ...studio };
