// The tools are the pinned ones, and pins are exact: a checkout of today builds the same in a year.
import { expect, test } from 'bun:test';
import manifest from '../../package.json';

const pins = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });

test('the tests run on the pinned Bun', () => {
  expect(manifest.devDependencies.bun).toBe(Bun.version);
  expect(manifest.devDependencies['bun-types']).toBe(Bun.version);
});

test('every dependency names one version', () => {
  expect(pins.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
});
