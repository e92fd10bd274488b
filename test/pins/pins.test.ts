// What others build on and must not change: error names and numbers, the plugin interface, configuration codes.
// A red test here means that somebody else's code breaks; add, never alter.
import { expect, test } from 'bun:test';
import { CODES } from '../../src/config/codes.ts';
import { catalogue } from '../../src/core/errors.ts';
import * as plugin from '../../src/plugin.ts';
import * as testing from '../../src/testing.ts';

const ERRORS = {
  PARSE: [-32700, 'client'],
  INVALID_REQUEST: [-32600, 'client'],
  METHOD_UNKNOWN: [-32601, 'client'],
  PARAMS_INVALID: [-32602, 'client'],
  META_INVALID: [-32602, 'client'],
  STATE_INVALID: [-32602, 'client'],
  HEADER_MISMATCH: [-32020, 'client'],
  CAPABILITY_MISSING: [-32021, 'client'],
  VERSION_UNSUPPORTED: [-32022, 'client'],
  SESSION_REQUIRED: [-32600, 'client'],
  SESSION_UNKNOWN: [-32600, 'client'],
  STREAM_TAKEN: [-32600, 'client'],
  STREAM_LOST: [-32603, 'client'],
  ENDPOINT_UNKNOWN: [-32600, 'client'],
  HTTP_METHOD: [-32600, 'client'],
  HOST_REFUSED: [-32600, 'client'],
  NOT_ACCEPTABLE: [-32600, 'client'],
  MEDIA_TYPE: [-32600, 'client'],
  TOO_LARGE: [-32600, 'client'],
  HEAD_TIMEOUT: [-32600, 'client'],
  BODY_TIMEOUT: [-32600, 'client'],
  BUSY: [1503, 'denied'],
  AUTH_UNAVAILABLE: [1505, 'denied'],
  SUBSCRIPTIONS_FULL: [1507, 'denied'],
  CLIENT_SLOW: [1508, 'denied'],
  UNAUTHENTICATED: [1401, 'denied'],
  FORBIDDEN: [1403, 'denied'],
  SCOPE_MISSING: [1412, 'denied'],
  RATE_LIMITED: [1429, 'denied'],
  TOOL_UNAPPROVED: [1411, 'denied'],
  UPSTREAM_UNAVAILABLE: [-32603, 'upstream'],
  UPSTREAM_TIMEOUT: [-32603, 'upstream'],
  UPSTREAM_INVALID: [-32603, 'upstream'],
  UPSTREAM_REFUSED: [-32603, 'upstream'],
  CREDENTIAL_UNAVAILABLE: [-32603, 'upstream'],
  CREDENTIAL_MISSING: [1413, 'denied'],
  ANSWER_REFUSED: [-32603, 'client'],
  PLUGIN_FAILED: [-32603, 'internal'],
  CANCELLED: [-32603, 'client'],
  STOPPING: [1504, 'internal'],
  INTERNAL: [-32603, 'internal'],
};

test('errors keep their names, numbers and whose fault they are', () => {
  const now = Object.entries(catalogue).map(([name, { code, fault }]) => [name, [code, fault]]);
  expect(Object.fromEntries(now)).toEqual(ERRORS);
});

test('the plugin interface exports what it exported', () => {
  expect(Object.keys(plugin).sort()).toEqual([
    'GATEWAY',
    'McpNotification',
    'McpRequest',
    'McpResult',
    'RawJson',
    'RawObject',
    'callerTokenFact',
    'definePlugin',
    'duration',
    'fact',
    'principalFact',
    'refuse',
    'z',
  ]);
});

test('the test kit exports what it exported', () => {
  expect(Object.keys(testing).sort()).toEqual(['testPlugin']);
});

test('configuration errors keep their codes', () => {
  expect(Object.keys(CODES).sort()).toEqual([
    'AUTH_IDLE',
    'CERTIFICATE_EXPIRED',
    'CERTIFICATE_INVALID',
    'DURATION_INVALID',
    'ENDPOINT_ALIAS',
    'ENDPOINT_DUPLICATE',
    'ENDPOINT_MISSING',
    'ENDPOINT_PATH',
    'ENDPOINT_RESERVED',
    'ENDPOINT_VIEW',
    'ENV_INCOMPLETE',
    'ENV_UNDEFINED',
    'ENV_UNKNOWN',
    'ENV_UNSAFE',
    'ENV_UNSUPPORTED',
    'FIELD_MISSING',
    'FIELD_TYPE',
    'FIELD_UNKNOWN',
    'FILE_UNREADABLE',
    'FORWARD_CREDENTIAL',
    'LISTENER_KIND',
    'LISTEN_DUPLICATE',
    'LISTEN_FAILED',
    'LISTEN_HOSTS',
    'LISTEN_INVALID',
    'LISTEN_PLAIN',
    'LISTEN_UNSAFE',
    'LISTEN_URL',
    'LISTEN_URL_PATH',
    'OVERRIDE_NAME',
    'PINS_UNREADABLE',
    'PIPE_SHUT',
    'PLUGIN_ENTRY',
    'PLUGIN_ID',
    'PLUGIN_OPTIONS',
    'PLUGIN_PLACE',
    'PLUGIN_SETUP',
    'PLUGIN_UNKNOWN',
    'PROCESS_HEADERS',
    'REFERENCE_INVALID',
    'SECRET_LITERAL',
    'SECRET_PLACE',
    'SECRET_UNDEFINED',
    'SECRET_UNREADABLE',
    'SECRET_WEAK',
    'SIZE_INVALID',
    'UPSTREAMS_RENAMED',
    'UPSTREAM_FIELD',
    'UPSTREAM_HEADER',
    'UPSTREAM_KIND',
    'UPSTREAM_NAME',
    'UPSTREAM_NONE',
    'UPSTREAM_SHELL',
    'UPSTREAM_TYPE',
    'UPSTREAM_UNKNOWN',
    'UPSTREAM_URL',
    'VALUE_INVALID',
    'VERSION_UNKNOWN',
    'YAML_ALIAS',
    'YAML_DOCUMENTS',
    'YAML_KEY_DUPLICATE',
    'YAML_KEY_INVALID',
    'YAML_NUMBER',
    'YAML_SYNTAX',
    'YAML_TAG',
  ]);
});
