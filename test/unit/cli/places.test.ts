// Where files are looked for, and what child processes inherit.
import { expect, test } from 'bun:test';
import { childEnv } from '../../../src/cli/child-env.ts';
import { configCandidates, defaultSocket, stateDir } from '../../../src/cli/paths.ts';

function place(env: Record<string, string> = {}, platform = 'linux') {
  return { env, platform, home: '/home/ada', cwd: '/srv' };
}

test('the configuration is searched in this order', () => {
  expect(configCandidates(place())).toEqual([
    '/srv/gateway.yaml',
    '/home/ada/.config/sluice/gateway.yaml',
    '/etc/sluice/gateway.yaml',
  ]);
  expect(configCandidates(place({ XDG_CONFIG_HOME: '/c' }))[1]).toBe('/c/sluice/gateway.yaml');
  expect(configCandidates(place({}, 'darwin'))[1]).toBe(
    '/home/ada/Library/Application Support/sluice/gateway.yaml',
  );
});

test('state goes where the file says, else systemd, else the user', () => {
  expect(stateDir(place({ XDG_STATE_HOME: '/s', STATE_DIRECTORY: '/d' }), '/x')).toBe('/x');
  expect(stateDir(place({ XDG_STATE_HOME: '/s', STATE_DIRECTORY: '/d:/e' }))).toBe('/d');
  expect(stateDir(place({ XDG_STATE_HOME: '/s' }))).toBe('/s/sluice');
  expect(stateDir(place({ XDG_STATE_HOME: '' }))).toBe('/home/ada/.local/state/sluice');
  expect(stateDir(place({}, 'darwin'))).toBe('/home/ada/Library/Application Support/sluice');
});

test('the socket is in the runtime directory, else with the state', () => {
  expect(defaultSocket(place({ XDG_RUNTIME_DIR: '/run/user/1' }), '/s')).toBe('/run/user/1/sluice.sock');
  expect(defaultSocket(place({ RUNTIME_DIRECTORY: '/run/sluice' }), '/s')).toBe('/run/sluice/sluice.sock');
  expect(defaultSocket(place(), '/s')).toBe('/s/sluice.sock');
});

test('children inherit what is listed, and nothing that changes Bun or opens a door', () => {
  const env = {
    ...{ PATH: '/bin', HOME: '/h', LC_ALL: 'C', LANG: 'C', XDG_RUNTIME_DIR: '/r', TZ: 'UTC', TMPDIR: '/t' },
    ...{ NODE_EXTRA_CA_CERTS: '/ca', SSL_CERT_FILE: '/cert', SHELL: '/bin/sh', TERM: 'xterm' },
    ...{ BUN_OPTIONS: '--preload x', BUN_BE_BUN: '1', NODE_OPTIONS: '-r x', LD_PRELOAD: 'x' },
    ...{ MCP_API_KEY: 'k', AWS_SECRET_ACCESS_KEY: 's', SLUICE_TOKEN: 't', SystemRoot: 'C:\\Windows' },
  };
  expect(Object.keys(childEnv(env, 'linux')).sort()).toEqual([
    ...['HOME', 'LANG', 'LC_ALL', 'NODE_EXTRA_CA_CERTS', 'PATH', 'SHELL', 'SSL_CERT_FILE', 'TERM', 'TMPDIR'],
    ...['TZ', 'XDG_RUNTIME_DIR'],
  ]);
  expect(childEnv({ SystemRoot: 'C:\\Windows', Path: 'C:\\', none: undefined }, 'win32')).toEqual({
    SystemRoot: 'C:\\Windows',
    Path: 'C:\\',
  });
});
