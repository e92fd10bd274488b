// What a process writes to stderr: in lines, up to a rate, without secrets however it is cut.
import { describe, expect, test } from 'bun:test';
import { createMask } from '../../../src/lib/mask.ts';
import { Stderr } from '../../../src/upstreams/stderr.ts';
import { testHost } from '../../fixtures/exchanges.ts';

const SECRET = 'sk-0123456789abcdef';

function start(perSecond = 100_000) {
  const host = testHost();
  const clock = { now: 0 };
  const options = {
    perSecond: () => perSecond,
    mask: createMask([SECRET]),
    log: host.log,
    now: () => clock.now,
  };
  const stderr = new Stderr(options);
  const push = (text: string): void => stderr.push(new TextEncoder().encode(text));
  const logged = () =>
    host.lines.filter(({ level }) => level === 'debug').map(({ fields }) => String(fields.text));
  return { stderr, push, logged, host, clock };
}

describe('stderr', () => {
  test('is logged in whole lines, the last with its end', () => {
    const { stderr, push, logged } = start();
    push('one\ntwo\nthr');
    expect(logged()).toEqual(['one\ntwo']);
    push('ee\n\n');
    push('four');
    stderr.end();
    expect(logged()).toEqual(['one\ntwo', 'three', 'four']);
  });

  test('shows no secret, however it is cut', () => {
    for (let at = 1; at < SECRET.length; at++) {
      const { stderr, push, logged } = start();
      push(`key ${SECRET.slice(0, at)}`);
      push(`${SECRET.slice(at)} was refused\n`);
      push(`again ${SECRET}`);
      stderr.end();
      expect(logged()).toEqual(['key •••• was refused', 'again ••••']);
      expect(stderr.last).toEqual(['key •••• was refused', 'again ••••']);
    }
  });

  test('shows none in a line without an end, wherever that is cut', () => {
    const { stderr, push, logged } = start();
    for (let n = 0; n < 500; n++)
      for (const part of [`${n}:`, SECRET.slice(0, 7), SECRET.slice(7)]) push(part);
    stderr.end();
    const text = logged().join('');
    expect(logged().length).toBeGreaterThan(1);
    expect(text.replaceAll('••••', '')).not.toMatch(/sk-|abcdef|0123/);
    expect(text).toContain('499:');
  });

  test('shows no part of one where the rate cuts it', () => {
    const { stderr, push, logged, clock, host } = start(20);
    push(`0123456789 ${SECRET} and more`);
    expect(logged().join('')).not.toContain('sk-');
    expect(host.lines.filter(({ level }) => level === 'warn').length).toBe(1);
    push('not logged\n');
    clock.now = 1_000;
    push('logged\n');
    stderr.end();
    expect(logged().at(-1)).toBe('logged');
    expect(logged().join()).not.toContain('not logged');
  });

  test('keeps the last lines, cut to a length', () => {
    const { stderr, push } = start();
    for (let n = 0; n < 20; n++) push(`line ${n}\n`);
    push(`${'x'.repeat(2_000)}\n`);
    expect(stderr.last).toEqual(['line 16', 'line 17', 'line 18', 'line 19', 'x'.repeat(500)]);
  });
});
