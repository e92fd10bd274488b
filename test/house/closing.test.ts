// The closing line of `npm test` counts what the report says.
import { expect, test } from 'bun:test';
import { readReport } from '../../scripts/junit.ts';

const xml = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="5" assertions="1" failures="1" skipped="2" time="0.01">
  <testsuite name="test/a.test.ts" file="test/a.test.ts" tests="5" failures="1" skipped="2" time="0">
    <testcase name="one" classname="" time="0" file="test/a.test.ts" line="2" assertions="0" />
    <testsuite name="inner" file="test/a.test.ts" line="3" tests="4" failures="1" skipped="2" time="0">
      <testcase name="two" classname="inner" time="0" file="test/a.test.ts" assertions="1">
        <failure type="Error" message="tests=&quot;9&quot;">no</failure>
      </testcase>
      <testcase name="a &lt; b: no Redis" classname="inner" time="0" file="test/a.test.ts" line="4" assertions="0">
        <skipped />
      </testcase>
      <testcase name="later" classname="inner" time="0" file="test/a.test.ts" line="5" assertions="0">
        <skipped message="not yet" />
      </testcase>
    </testsuite>
  </testsuite>
</testsuites>`;

test('passed, failed and skipped are told apart', () => {
  const { passed, failed, failures, skipped, files } = readReport(xml);
  expect({ passed, failed, files: [...files] }).toEqual({ passed: 2, failed: 1, files: ['test/a.test.ts'] });
  expect(failures).toEqual(['test/a.test.ts > inner > two']);
  expect(skipped).toEqual([
    'test/a.test.ts > inner > a < b: no Redis',
    'test/a.test.ts > inner > later (not yet)',
  ]);
});

test('a text without counts is refused', () => {
  expect(() => readReport('')).toThrow('not a JUnit report');
  expect(() => readReport('<testsuites name="bun test">')).toThrow('no counts');
});
