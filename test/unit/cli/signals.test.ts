// What each signal does, with a process that only remembers.
import { expect, test } from 'bun:test';
import { handleSignals } from '../../../src/cli/signals.ts';

function gateway() {
  const handlers = new Map<string, () => void>();
  const did: string[] = [];
  const state = { now: 0, terminalGone: false };
  handleSignals(
    { on: (name, handler) => handlers.set(name, handler) },
    {
      reload: () => did.push('reload'),
      stop: (why) => did.push(`stop ${why}`),
      exit: (code) => did.push(`exit ${code}`),
      toggleDebug: () => did.push('debug'),
      terminalGone: () => state.terminalGone,
      now: () => state.now,
    },
  );
  return { did, state, send: (name: string) => handlers.get(name)?.() };
}

test('HUP reloads', () => {
  const { did, send } = gateway();
  send('SIGHUP');
  send('SIGHUP');
  expect(did).toEqual(['reload', 'reload']);
});

test('HUP of a terminal that is gone stops', () => {
  const { did, send, state } = gateway();
  state.terminalGone = true;
  send('SIGHUP');
  expect(did).toEqual(['stop SIGHUP']);
});

test('HUP while it stops does nothing', () => {
  const { did, send } = gateway();
  send('SIGTERM');
  send('SIGHUP');
  expect(did).toEqual(['stop SIGTERM']);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('the first %s drains, one that comes later ends at once with %d', (name, code) => {
  const { did, send, state } = gateway();
  send(name);
  state.now = 600;
  send(name);
  expect(did).toEqual([`stop ${name}`, `exit ${code}`]);
});

test('one Ctrl-C that arrives twice is one', () => {
  const { did, send, state } = gateway();
  send('SIGINT');
  state.now = 400;
  send('SIGINT');
  expect(did).toEqual(['stop SIGINT']);
});

test('USR2 toggles the debug log', () => {
  const { did, send } = gateway();
  send('SIGUSR2');
  expect(did).toEqual(['debug']);
});
