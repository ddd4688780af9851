/** Children: run to the end with their output kept, or with their output shown. */
import { spawn } from 'node:child_process';
import { childEnvironment, root } from './paths.mjs';

/**
 * @typedef {{ code: number, output: string, milliseconds: number }} Outcome
 * `code` is never 0 for a child that a signal ended; `output` is stdout and stderr as they came.
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, show?: boolean }} [options] `show` passes the output through
 * @returns {Promise<Outcome>}
 */
export function run(command, args, { cwd = root, env = {}, show = false } = {}) {
  return new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(command, args, {
      cwd,
      env: childEnvironment(env),
      stdio: show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (/** @type {Buffer} */ bytes) => {
      output += bytes.toString('utf8');
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const end = (/** @type {number} */ code) => resolve({ code, output, milliseconds: performance.now() - started });
    child.on('error', (error) => {
      output += `${command}: ${error.message}\n`;
      end(127);
    });
    child.on('close', (code, signal) => {
      if (signal) output += `ended by ${signal}\n`;
      end(code ?? 1);
    });
  });
}

/** @param {number} milliseconds */
export const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

/**
 * The last `count` lines that say something.
 * @param {string} text
 * @param {number} count
 */
export const tail = (text, count) => text.trimEnd().split('\n').slice(-count).join('\n');
