/** Changes Discord's payloads into the forms of other servers, for tests of the readers (G16). */

/** A path to a field; `*` stands for every entry of a list. */
export type FieldPath = readonly (string | number)[];

/** Values that a server may send in place of any field. */
export const ODD: readonly unknown[] = [
  null,
  undefined,
  7,
  -1,
  "odd words",
  "",
  true,
  [],
  [null],
  {},
  { id: {} },
  [[{}]],
];

/** All paths of a value, the outer ones first. */
export function pathsOf(value: unknown, path: FieldPath = []): readonly FieldPath[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Array.isArray(value)
    ? value.flatMap((one, at) => pathsOf(one, [...path, at]))
    : Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...path, key]));
  return path.length === 0 ? inner : [path, ...inner];
}

/** `member.roles.*`, for comparison with a list of needed fields. */
export function nameOf(path: FieldPath): string {
  return path.map((part) => typeof part === "number" ? "*" : part).join(".");
}

/** The value with another one at a path; `undefined` takes the field away. */
export function withField(value: unknown, [first, ...rest]: FieldPath, put: unknown): unknown {
  if (first === undefined) return put;
  if (Array.isArray(value)) {
    return value.map((one, at) => at === first ? withField(one, rest, put) : one);
  }
  const fields = { ...(value as Record<string, unknown>) };
  const made = withField(fields[first], rest, put);
  if (made === undefined) delete fields[first];
  else fields[first] = made;
  return fields;
}

/** The payload with each id as a whole number, as its JSON text. */
export function idsAsNumbers(value: unknown): string {
  return JSON.stringify(value).replace(/"([1-9]\d{16,19})"(?!\s*:)/g, "$1");
}
