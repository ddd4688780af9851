import { createApp } from './app.ts';
import { ConfigError } from './platform/config/define.ts';
import { createLogger } from './platform/telemetry/log.ts';
import { readConfig } from './settings.ts';
import { describeStart } from './start-screen.ts';

// Real time (2): how quickly somebody asks twice.

/** `--roles=worker:turn` is the same as PARLEY_ROLES. */
function withArguments(env: NodeJS.ProcessEnv, args: string[]): NodeJS.ProcessEnv {
  const roles = args.find((argument) => argument.startsWith('--roles='))?.slice('--roles='.length);
  return roles === undefined ? env : { ...env, PARLEY_ROLES: roles };
}

async function main(): Promise<void> {
  const config = readConfig(withArguments(process.env, process.argv.slice(2)));
  const log = createLogger(config.log);
  // What nobody expected leaves the process in an unknown state: say so and let the supervisor start a fresh one.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'unexpected error');
    process.exit(70);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unexpected rejection');
    process.exit(70);
  });

  if (config.unknownVariables.length > 0)
    log.warn({ variables: config.unknownVariables }, 'these variables are none of Parley and change nothing');

  const app = await createApp(config, log, { print: (text) => void process.stdout.write(text) });

  let stopping: Promise<void> | undefined;
  let asked = 0;
  const stop = (): void => {
    // npm passes on a Ctrl-C the terminal has sent already: within a second it is the same one.
    if (stopping) {
      if (Date.now() - asked > 1_000) process.exit(130);
      return;
    }
    asked = Date.now();
    process.stdout.write('stopping: running work finishes or goes on at the next start\n');
    stopping = app.close();
    stopping.then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'the stop failed');
        process.exit(70);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);

  const started = await app.start();
  process.stdout.write(describeStart(config, started));
}

const cannotListen: Record<string, string> = {
  EADDRINUSE: 'PORT takes a free port: another program listens there already. Set PORT to another one.',
  EACCES: 'PORT takes a port this user may listen on: 1024 or higher, or give the user the right to.',
  EADDRNOTAVAIL: 'HOST takes an address of this machine: 127.0.0.1, 0.0.0.0 for all of them, or one of its own.',
  ENOTFOUND: 'HOST takes a name or an address of this machine: this one is not known.',
};

/** One line for what the operator can put right; the whole trace for what nobody expected. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ConfigError || /FolderInUse|Migration/.test(error.name)) return error.message;
  const listening = 'syscall' in error && (error.syscall === 'listen' || error.syscall === 'getaddrinfo');
  const known = listening && 'code' in error ? cannotListen[String(error.code)] : undefined;
  return known ?? error.stack ?? error.message;
}

main().catch((error: unknown) => {
  process.stderr.write(`${describeFailure(error)}\n`);
  process.exit(1);
});
