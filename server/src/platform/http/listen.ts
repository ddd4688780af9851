import type { Http } from './types.ts';

/** Listens, without the framework's own line: it would stand in front of the start screen, which says it better. */
export async function listen(http: Http, at: { port: number; host: string }): Promise<string> {
  const { level } = http.log;
  http.log.level = 'warn';
  const address = await http.listen(at);
  http.log.level = level;
  return address;
}
