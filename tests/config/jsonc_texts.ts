/** Generates unusual config texts: comments in every place, and blanks of every kind. */

import fc from "fast-check";
import { createScanner } from "jsonc-parser";

/** Plain data that a JSON text can hold. */
export type Json = string | number | boolean | null | readonly Json[] | {
  readonly [key: string]: Json;
};

const KEY = fc.oneof(
  fc.constantFrom("a", "b", "guilds", "123456789012345678", "my guild", "//", "/* x */", "", "{"),
  fc.string({ maxLength: 6 }),
).filter((key) => key !== "__proto__");

const SCALAR: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, -1.5, 1e21, "", "// no comment", "/*", '"', "\u2028"),
  fc.string({ maxLength: 8 }),
  fc.integer(),
);

/** Values, objects at the top. */
const values: fc.Arbitrary<{ readonly [key: string]: Json }> = fc.letrec<{ any: Json }>(
  (tie) => ({
    any: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      SCALAR,
      fc.array(tie("any"), { maxLength: 4 }),
      fc.dictionary(KEY, tie("any"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }),
).any.chain((inner) =>
  fc.dictionary(KEY, fc.oneof(fc.constant(inner), SCALAR), { maxKeys: 5, noNullPrototype: true })
);

export const anyValue = fc.oneof(SCALAR, values, fc.array(SCALAR, { maxLength: 5 }));

/** Blanks and comments between two tokens. */
const gaps = (eol: string): fc.Arbitrary<string> =>
  fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("", " ", "  ", "\t", eol, `${eol}  `, `${eol}\t`) },
      {
        weight: 1,
        arbitrary: fc.constantFrom("/* b */", "/**/", `/* two${eol} lines */`, '/* " */'),
      },
      { weight: 1, arbitrary: fc.constantFrom(`// line${eol}`, `//${eol}`, `// } " , [${eol}`) },
    ),
    { maxLength: 3 },
  ).map((parts) => parts.join(""));

export const texts: fc.Arbitrary<{ readonly text: string; readonly value: Json }> = fc.tuple(
  values,
  fc.constantFrom("\n", "\r\n", "\r"),
  fc.constantFrom("", "\uFEFF"),
).chain(([value, eol, mark]) =>
  fc.infiniteStream(fc.tuple(gaps(eol), fc.boolean())).map((stream) => {
    const next = (): readonly [string, boolean] => stream.next().value ?? ["", false];
    const gap = (): string => next()[0];
    const write = (part: Json): string => {
      if (typeof part !== "object" || part === null) return JSON.stringify(part);
      const isArray = Array.isArray(part);
      const entries = Object.entries(part).map(([key, inner]) =>
        `${gap()}${isArray ? "" : `${JSON.stringify(key)}${gap()}:${gap()}`}${write(inner)}${gap()}`
      );
      const comma = entries.length > 0 && next()[1] ? `,${gap()}` : gap();
      const [open, close] = isArray ? "[]" : "{}";
      return `${open}${entries.join(",")}${comma}${close}`;
    };
    return { text: `${mark}${gap()}${write(value)}${gap()}`, value };
  })
);

/** All comments as written; not those in texts and keys. */
export function commentsOf(text: string): readonly string[] {
  const read = text.replace(/^\uFEFF/, " ");
  const scanner = createScanner(read, false);
  const found: string[] = [];
  for (let token: number = scanner.scan(); token !== 17; token = scanner.scan()) {
    const offset = scanner.getTokenOffset();
    if (token === 12 || token === 13) {
      found.push(read.slice(offset, offset + scanner.getTokenLength()));
    }
  }
  return found;
}

/** Every place with a value, the value itself included. */
export function placesOf(
  value: Json,
  path: readonly (string | number)[] = [],
): (string | number)[][] {
  const inner = typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, part]) =>
      placesOf(part, [...path, Array.isArray(value) ? Number(key) : key])
    );
  return [[...path], ...inner];
}
