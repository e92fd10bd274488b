// What plugins put into the head of an answer, and how long it lasts.
import { describe, expect, test } from 'bun:test';
import { HttpAnswer } from '../../../src/core/http-answer.ts';

describe('headers of an answer', () => {
  test('with a rank the least one stays, whoever offers it', () => {
    const answer = new HttpAnswer();
    expect(answer.offer({ ratelimit: 'b' }, 'one', 7)).toEqual([]);
    expect(answer.offer({ ratelimit: 'a' }, 'two', 3)).toEqual([]);
    expect(answer.offer({ ratelimit: 'c' }, 'one', 3)).toEqual([]);
    expect(answer.headers).toEqual({ ratelimit: 'a' });
  });

  test('without one the first to come keeps it, may say another, and a second one is told', () => {
    const answer = new HttpAnswer();
    answer.offer({ 'x-a': '1' }, 'one');
    answer.offer({ 'x-a': '2' }, 'one');
    expect(answer.offer({ 'x-a': '3', 'x-b': '4' }, 'two')).toEqual([['x-a', 'one']]);
    expect(answer.headers).toEqual({ 'x-a': '2', 'x-b': '4' });
  });

  for (const name of [
    ...['connection', 'transfer-encoding', 'content-type', 'content-length', 'access-control-allow-origin'],
    ...['vary', 'mcp-session-id', 'x-request-id', 'set-cookie', 'Content-Type', 'a b', ''],
  ])
    test(`"${name}" is not for plugins`, () => {
      const answer = new HttpAnswer();
      expect(() => answer.offer({ [name]: 'x' }, 'one')).toThrow(/header/);
      expect(answer.headers).toEqual({});
    });

  for (const value of ['a\r\nx: y', 'a\nb', '\0', 'é'])
    test(`the value ${JSON.stringify(value)} is none`, () => {
      expect(() => new HttpAnswer().offer({ 'x-a': value }, 'one')).toThrow(/no header/);
    });
});

describe('an answer', () => {
  test('is over at once where nothing follows its head', async () => {
    const answer = new HttpAnswer();
    answer.begun();
    expect(await answer.over).toBeUndefined();
  });

  for (const how of ['resolve', 'reject'] as const)
    test(`is over when what it lasts for ends (${how})`, async () => {
      const answer = new HttpAnswer();
      const stream = Promise.withResolvers<void>();
      let isOver = false;
      void answer.over.then(() => {
        isOver = true;
      });
      answer.lasts(stream.promise);
      answer.begun();
      await Promise.resolve();
      expect(isOver).toBe(false);
      stream[how]();
      await answer.over;
      expect(isOver).toBe(true);
    });
});
