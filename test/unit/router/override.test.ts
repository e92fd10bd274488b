// A tool as the configuration changes it, and calls of it.
import { describe, expect, test } from 'bun:test';
import { McpRequest, McpResult } from '../../../src/protocol/message.ts';
import { RawObject } from '../../../src/protocol/raw.ts';
import { overridden, unknownArguments, withArguments } from '../../../src/router/override.ts';

const TOOL = RawObject.trusted(
  '{ "name":"search", "description":"old",  "inputSchema":{"type":"object", "properties":{"repo":{"type":"string"},"q":{"maximum":1.0} },"required":["repo", "q"],"x":1e2}, "_meta":{"a":1.50} }',
);

describe('an override', () => {
  test('changes what it names, and every other byte stays', () => {
    expect(overridden(TOOL, { description: 'new', arguments: { repo: 'a' } }).text).toBe(
      '{ "name":"search", "description":"new",  "inputSchema":{"type":"object", "properties":{"q":{"maximum":1.0} },"required":["q"],"x":1e2}, "_meta":{"a":1.50} }',
    );
    expect(overridden(TOOL, {})).toBe(TOOL);
    expect(overridden(TOOL, { arguments: {} })).toBe(TOOL);
  });

  test('adds what is not there', () => {
    expect(overridden(TOOL, { title: 'T' }).string('title')).toBe('T');
  });

  test('leaves no list of required arguments where none is left', () => {
    expect(overridden(TOOL, { arguments: { repo: 1, q: 2 } }).object('inputSchema')?.text).toBe(
      '{"type":"object", "properties":{ },"x":1e2}',
    );
  });

  test('of a tool without a schema changes none', () => {
    const bare = RawObject.trusted('{"name":"a"}');
    expect(overridden(bare, { arguments: { x: 1 } })).toBe(bare);
    expect(unknownArguments(bare, { arguments: { x: 1 } })).toEqual(['x']);
  });

  test('that fixes what the tool does not have can be told', () => {
    expect(unknownArguments(TOOL, { arguments: { repo: 'a', repos: 'b' } })).toEqual(['repos']);
    expect(unknownArguments(TOOL, {})).toEqual([]);
  });
});

describe('a call with fixed arguments', () => {
  const call = (params: string) => new McpRequest('tools/call', RawObject.trusted(params));
  const pin = (params: string) =>
    withArguments(call(params), { repo: 'acme/main', deep: { a: [1, 2], b: null } }, 'find');

  test('has them', () => {
    expect(pin('{"name":"find","arguments":{"q":1.0}}')).toMatchObject({
      raw: { text: '{"name":"find","arguments":{"q":1.0,"repo":"acme/main","deep":{"a":[1,2],"b":null}}}' },
    });
    expect(pin('{"name":"find"}')).toMatchObject({
      raw: { text: '{"name":"find","arguments":{"repo":"acme/main","deep":{"a":[1,2],"b":null}}}' },
    });
    expect(pin('{"name":"find","arguments":null}')).toMatchObject({
      raw: { text: '{"name":"find","arguments":{"repo":"acme/main","deep":{"a":[1,2],"b":null}}}' },
    });
  });

  test('may say the same', () => {
    const same = '{"arguments":{"deep":{"b":null,"a":[1.0,2]},"repo":"acme/main"}}';
    expect(pin(same)).toBeInstanceOf(McpRequest);
  });

  test.each(['"other"', 'null', '["acme/main"]', '1'])(
    'is refused when it says something else: %s',
    (value) => {
      const refusal = pin(`{"arguments":{"repo":${value}}}`);
      expect(refusal).toBeInstanceOf(McpResult);
      expect((refusal as McpResult).value).toMatchObject({
        code: -32602,
        message: 'The argument "repo" of find is set here already: leave it out.',
        data: { tool: 'find', argument: 'repo' },
      });
    },
  );

  test('with arguments that are none is the upstream’s to refuse', () => {
    const odd = call('{"arguments":[1]}');
    expect(withArguments(odd, { a: 1 }, 'find')).toBe(odd);
  });
});
