// Ways to get past tokens of issuers, over every way in.
import { expect, test } from 'bun:test';
import { CASES } from './cases.ts';
import { PUBLIC, startScene } from './scene.ts';
import { tryAll } from './try.ts';

/** Where a token is to be had, and for what; of an error, the one that goes with its status. */
const challenge = ({ path }: { path: string }, status: number): RegExp => {
  const error = status === 403 ? 'error="insufficient_scope", ' : '(?:error="invalid_(?:token|request)", )?';
  const needs = status === 403 ? 'mcp:read(?: mcp:admin)?' : 'mcp:read';
  const metadata = `${PUBLIC}/.well-known/oauth-protected-resource${path}`;
  return new RegExp(`^Bearer ${error}resource_metadata="${metadata}", scope="${needs}"$`);
};

const scene = tryAll({ cases: CASES, start: startScene, challenge });

test('the log has no token', () => {
  const { gateway, good } = scene();
  expect(JSON.stringify(gateway.lines)).not.toContain(good.split('.')[2] ?? '');
});
