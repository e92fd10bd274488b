// What a reload changes in plugin files of the user whose entries stayed as they were.

import type { Change } from '../config/diff.ts';
import type { Generation } from './generation.ts';
import type { SetUp } from './steps.ts';

/** One line for each entry whose file, or one that it imports, has other text than before; not its packages. */
export function fileChanges(before: Generation, after: Generation): Change[] {
  const old = placed(before);
  return [...placed(after)].flatMap(([what, { file }]): Change[] => {
    const was = old.get(what)?.file;
    if (file === undefined || was?.path !== file.path || was.digest === file.digest) return [];
    return [{ sign: '~', what, note: 'its code changed' }];
  });
}

/** The steps of a generation by their place in the plan: `pipeline.redact`, `upstreams.files.pipeline.sign`. */
function placed({ steps, legSteps }: Generation): Map<string, SetUp> {
  const legs = [...legSteps].flatMap(([upstream, own]) =>
    own.map((step) => [`upstreams.${upstream}.pipeline.${step.id}`, step] as const),
  );
  return new Map([...steps.map((step) => [`pipeline.${step.id}`, step] as const), ...legs]);
}
