// Places: never more than there are, none is lost whoever ends it, and none is kept from those who wait.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type NoPlace, type Place, Places } from '../../../plugins/ratelimit/places.ts';

const queue = { length: 100, timeout: 1_000_000 };
const comer = (tenant = 't', principal = 'p') => ({ tenant, principal, cost: 1 });
const live = () => new AbortController().signal;
const isPlace = (got: unknown): got is Place => typeof got === 'object' && got !== null && 'leave' in got;

describe('places', () => {
  test('are so many for each key; who leaves twice frees one', async () => {
    const places = new Places({ most: 2, share: 2, queue: undefined });
    const a = places.enter('k', comer(), live()) as Place;
    expect(isPlace(places.enter('k', comer(), live()))).toBe(true);
    expect(places.enter('k', comer(), live())).toBe('full');
    expect(isPlace(places.enter('other', comer(), live()))).toBe(true);
    a.leave();
    a.leave();
    expect(isPlace(places.enter('k', comer(), live()))).toBe(true);
    expect(places.enter('k', comer(), live())).toBe('full');
  });

  test('are kept free by a share: one tenant has half, whatever nobody else uses', () => {
    const places = new Places({ most: 4, share: 2, queue: undefined });
    const got = ['loud', 'loud', 'loud', 'calm', 'calm'].map((each) =>
      places.enter('k', comer(each), live()),
    );
    expect(got.map(isPlace)).toEqual([true, true, false, true, true]);
  });

  test('go to those who wait, a tenant at its share excepted', async () => {
    const places = new Places({ most: 2, share: 1, queue });
    const loud = places.enter('k', comer('loud'), live()) as Place;
    const waiting = places.enter('k', comer('loud'), live()) as Promise<Place>;
    expect(isPlace(await places.enter('k', comer('calm'), live()))).toBe(true);
    expect([places.held, places.queued]).toEqual([2, 1]);
    loud.leave();
    expect(isPlace(await waiting)).toBe(true);
    expect([places.held, places.queued]).toEqual([2, 0]);
  });

  test('are more after a reload: who waits has one at once', async () => {
    const places = new Places({ most: 1, share: 1, queue });
    places.enter('k', comer('a'), live());
    const waiting = places.enter('k', comer('b'), live());
    places.options = { most: 2, share: 2, queue };
    places.renew();
    expect(isPlace(await waiting)).toBe(true);
  });

  test('a full queue has room for who waits with fewer', async () => {
    const places = new Places({ most: 1, share: 1, queue: { length: 2, timeout: 1_000_000 } });
    places.enter('k', comer('loud'), live());
    const first = places.enter('k', comer('loud', 'a'), live());
    const second = places.enter('k', comer('loud', 'a'), live());
    expect(places.enter('k', comer('loud', 'a'), live())).toBe('queue_full');
    const calm = places.enter('k', comer('calm'), live());
    expect(await second).toBe('pushed_out');
    expect([first, calm].every((each) => each instanceof Promise)).toBe(true);
  });
});

type Step = { readonly does: 'enter' | 'leave' | 'abort' | 'reload'; readonly who: number };
const step: fc.Arbitrary<Step> = fc.record({
  does: fc.constantFrom('enter', 'enter', 'leave', 'abort', 'reload'),
  who: fc.nat({ max: 30 }),
});

test('whatever comes and goes, no place is lost and none is given twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.nat({ max: 3 }), async (steps, spare) => {
      const most = 1 + spare;
      const places = new Places({ most, share: Math.max(1, most - 1), queue: { ...queue, length: 5 } });
      const held: Place[] = [];
      const waiting: AbortController[] = [];
      let pending = 0;
      const came = (got: Place | NoPlace): void => {
        if (isPlace(got)) held.push(got);
      };
      for (const { does, who } of steps) {
        if (does === 'enter') {
          const gone = new AbortController();
          const got = places.enter('k', comer(`t${who % 3}`, `p${who % 5}`), gone.signal);
          if (got instanceof Promise) {
            pending++;
            waiting.push(gone);
            void got.then((place) => {
              pending--;
              came(place);
            });
          } else came(got);
        } else if (does === 'leave') held.splice(who % Math.max(1, held.length), 1)[0]?.leave();
        else if (does === 'abort') waiting.splice(who % Math.max(1, waiting.length), 1)[0]?.abort();
        else places.renew();
        await Promise.resolve();
        await Promise.resolve();
        await Promise.resolve();
        expect(places.held).toBeLessThanOrEqual(most);
        expect(places.held).toBe(held.length);
        expect(places.queued).toBe(pending);
        // Where somebody waits, there is no place that one could have.
        if (places.queued > 0 && most === 1) expect(places.held).toBe(1);
      }
      for (const each of waiting) each.abort();
      for (const each of held) each.leave();
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
      for (const each of held) each.leave();
      expect([places.held, places.queued, places.rooms()]).toEqual([0, 0, []]);
    }),
    { numRuns: 300 },
  );
});
