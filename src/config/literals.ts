// Secrets that stand in the file itself: said as warnings, with what to type to have them elsewhere. Shows none.
import type { JsonValue } from '../protocol/values.ts';
import type { ConfigDocument } from './document.ts';
import type { PlacedProblem } from './issues.ts';
import { isPlain, mayHoldSecret } from './place.ts';
import { presetId } from './relations/pipeline.ts';
import { isSecretAt } from './revealed.ts';
import type { Path } from './schema.ts';

/** Names of HTTP schemes, which are no part of the secret. */
const SCHEME = /^(Basic|Bearer|Token|ApiKey|Key) +(?=\S)/i;

/** A warning for every literal where a reference to a secret could stand. */
export function literalSecrets(document: ConfigDocument): PlacedProblem[] {
  const problems: PlacedProblem[] = [];
  const walk = (value: JsonValue, path: Path): void => {
    if (typeof value === 'string') {
      const isWritten = value !== '' && mayHoldSecret(path) && document.isLiteral(path);
      if (isWritten && !isPlain(path) && isSecretAt(path, value, false))
        problems.push(problemAt(path, value));
    } else if (Array.isArray(value)) for (const [at, item] of value.entries()) walk(item, [...path, at]);
    else if (typeof value === 'object' && value !== null)
      for (const [key, held] of Object.entries(value)) walk(held, [...path, key]);
  };
  walk(document.values(), []);
  return problems;
}

function problemAt(path: Path, value: string): PlacedProblem {
  const name = nameFor(path);
  const scheme = SCHEME.exec(value)?.[0] ?? '';
  return {
    path,
    code: 'SECRET_LITERAL',
    message: 'a secret stands in the file',
    hint: `type: sluice secrets set ${name}  and write: "${scheme}\${secret:${name}}"`,
    severity: 'warning',
  };
}

/** `github` for its Authorization header, `github-api-key` for others; for options their plugin and their own name. */
function nameFor(path: Path): string {
  const names = path.filter((step) => typeof step === 'string');
  const own = names.at(-1) ?? '';
  const at = names.lastIndexOf('pipeline');
  const owner = (at >= 0 ? presetId(names[at + 1] ?? '') : names[1]) ?? '';
  const parts = own.toLowerCase() === 'authorization' ? [owner] : [owner, own];
  const name = parts
    .join('-')
    .toLowerCase()
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[^a-z\d]+/, '');
  return name === '' ? 'secret' : name;
}
