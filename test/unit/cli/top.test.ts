// T6, `sluice top`: lines that fit, what is never shown, and a terminal that is given back however it ends.
import { afterEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { startAdmin } from '../../../src/admin/server.ts';
import { type CallRow, callLines, headline } from '../../../src/cli/top-table.ts';
import { SILENT } from '../../../src/core/log.ts';
import type { JsonValue } from '../../../src/protocol/values.ts';
import { type FakeSource, fakeSource } from '../admin/fake.ts';
import { Home } from './child.ts';

const row: CallRow = {
  id: 'r1',
  principal: 'ada',
  client: 'claude-code',
  method: 'tools/call',
  name: 'github__search',
  upstream: 'github',
  ms: 133_000,
  phase: 'waiting for an answer',
};
const lines = (rows: readonly CallRow[], columns = 130) => callLines(rows, { columns, color: false });

describe('lines', () => {
  test('say who, what, where, how far and what for, under their titles', () => {
    const halfway = { ...row, progress: 9, total: 20, message: 'indexing', tenant: 'acme' };
    const quick = {
      ...row,
      name: undefined,
      upstream: undefined,
      ms: 900,
      phase: 'processing',
      client: undefined,
    };
    const [first, second, third] = lines([halfway, quick as unknown as CallRow]);
    expect([first, second, third]).toEqual([
      'AGE    WHO       CLIENT       CALL            UPSTREAM  PROGRESS         PHASE',
      '2m13s  acme/ada  claude-code  github__search  github    ████░░░░░░  45%  waiting for an answer · "indexing"',
      '0s     ada       -            tools/call      -         ░░░████░░░       processing',
    ]);
  });

  test('without a total a block moves, beside the amount; words of the gateway are not said twice', () => {
    const [, first = ''] = lines([
      { ...row, progress: 7.5, message: 'waiting for an answer from "github" (20 s)' },
    ]);
    expect(first).toContain(' 7.5  waiting for an answer');
    expect(first).toEndWith('waiting for an answer');
    const [, hair = ''] = lines([{ ...row, progress: 4e-16 }]);
    expect(hair).not.toMatch(/\d %|e-16|0\.0/);
  });

  test('narrow terminals get what matters most', () => {
    const narrow = lines([{ ...row, progress: 1, total: 2 }], 50);
    expect(narrow[1]).toBe('2m13s  github__search  █████░░░░░  50%  waiting …');
    expect(lines([row], 12)[1]).toBe('2m13s  git…');
  });

  test('hours and days', () => {
    const ages = [59_999, 60_000, 3_600_000, 3_600_000 * 100].map(
      (ms) => lines([{ ...row, ms }])[1]?.split(' ')[0],
    );
    expect(ages).toEqual(['59s', '1m00s', '1h00m', '100h']);
  });

  test('fit, whatever stands in them, and steer no terminal', () => {
    const text = fc.string({ unit: 'binary', maxLength: 80 });
    const some = fc.record({
      ...{ id: text, principal: text, method: text, name: text, upstream: text, phase: text, message: text },
      ...{ tenant: text, client: text, ms: fc.nat(1e9), progress: fc.double(), total: fc.double() },
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 5 }), fc.integer({ min: 2, max: 200 }), (rows, columns) => {
        for (const line of lines(rows, columns)) {
          expect(Bun.stringWidth(line)).toBeLessThan(Math.max(columns, 2));
          expect(line).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
        }
      }),
    );
  });

  test('colours change nothing but colours', () => {
    const colored = callLines([row], { columns: 100, color: true });
    expect(colored[1]).toContain('\u001b[36m');
    expect(colored.map((line) => Bun.stripANSI(line))).toEqual(lines([row], 100));
  });

  test('how many there are', () => {
    expect([0, 1, 2].map((calls) => headline({ calls, longest: [] }))).toEqual([
      'no calls at work',
      '1 call at work',
      '2 calls at work',
    ]);
  });
});

describe('the command', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** A gateway that says what the test says. */
  async function gateway(longest: readonly object[] = [row]) {
    const home = new Home();
    ends.push(() => home[Symbol.asyncDispose]());
    const shown = { longest };
    const calls: FakeSource['calls'] = () =>
      ({ version: 1, calls: shown.longest.length, longest: shown.longest }) as unknown as JsonValue;
    const source = { ...fakeSource(), calls };
    const socket = home.path('admin.sock');
    const admin = await startAdmin({ listen: 'off', socket, source, log: SILENT });
    ends.push(() => admin.stop());
    const top = (...more: string[]) => ['top', '--socket', socket, ...more];
    return { home, admin, shown, top };
  }
  const ENTER = '\u001b[?1049h\u001b[?25l';
  const LEAVE = '\u001b[?25h\u001b[?1049l';

  test('without a terminal is one table, as JSON one object', async () => {
    const { home, top } = await gateway();
    const table = await home.run(top());
    expect([table.code, table.err, table.out]).toEqual([
      0,
      '',
      `1 call at work\n\n${lines([row], 240).join('\n')}\n`,
    ]);
    const { out, code } = await home.run(top('--json'));
    expect([code, JSON.parse(out)]).toEqual([0, { version: 1, calls: 1, longest: [row] }]);
  });

  test('draws over what it drew, and gives the terminal back at Ctrl-C', async () => {
    const { home, top, shown } = await gateway();
    const child = home.start(top('--every', '100ms'), { terminal: true });
    await child.until(/github__search/);
    shown.longest = [{ ...row, name: 'files__read' }, row];
    await child.until(/2 calls at work[\s\S]*files__read/);
    child.type('\u0003');
    expect(await child.exited).toBe(0);
    expect(child.out).toStartWith(ENTER);
    expect(child.out.indexOf(LEAVE)).toBeGreaterThan(child.out.lastIndexOf('\u001b[?2026l'));
    expect(child.out.split(ENTER)).toHaveLength(2);
    expect(child.out).not.toContain('\u001b[2J');
  });

  test('shows as many as there is room for', async () => {
    const many = Array.from({ length: 50 }, (_, n) => ({ ...row, name: `tool_${n}` }));
    const { home, top } = await gateway(many);
    const child = home.start(top(), { terminal: true });
    await child.until(/and 24 more/);
    expect(child.out).toContain('tool_25');
    expect(child.out).not.toContain('tool_26');
    child.resize(100, 10);
    await child.until(/and 44 more/);
    child.signal('SIGTERM');
    expect(await child.exited).toBe(143);
    expect(child.out).toContain(LEAVE);
  });

  test('says that the gateway has gone, on a terminal that is itself again', async () => {
    const { home, admin, top } = await gateway();
    const child = home.start(top('--every', '100ms'), { terminal: true });
    await child.until(/github__search/);
    await admin.stop();
    expect(await child.exited).toBe(69);
    expect(child.out.split(LEAVE)[1]).toContain('the gateway has gone away');
  });

  test('has no colours where nobody wants them', async () => {
    const { home, top } = await gateway();
    const child = home.start(top(), { terminal: true, env: { NO_COLOR: '1' } });
    await child.until(/waiting for an answer/);
    expect(child.out).not.toContain('\u001b[36m');
    child.type('\u0003');
    await child.exited;
  });

  test.each([
    ['--every', 'often'],
    ['--every', '1ms'],
  ])('%s %s is refused in words', async (option, value) => {
    const { home, top } = await gateway();
    const child = home.start(top(option, value), { terminal: true });
    expect(await child.exited).toBe(1);
    expect(child.out).toContain('every is a duration from 100ms to 60s');
    expect(child.out).not.toContain(ENTER);
  });

  test('nobody there', async () => {
    const home = new Home();
    ends.push(() => home[Symbol.asyncDispose]());
    const { code, err } = await home.run(['top', '--socket', home.path('none.sock')]);
    expect([code, err]).toEqual([69, expect.stringContaining('no gateway answers')]);
  });
});
