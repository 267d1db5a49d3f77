/**
 * Joins the parts of a namespace of the store into one object.
 *
 * A spread of two parts with a method of the same name silently keeps the later one. Here such a
 * pair does not compile, and it throws as the store opens.
 */

/** The names in all parts of a tuple except the one at `Index`. */
export type NamesBeside<Parts extends readonly object[], Index> = {
  [Other in keyof Parts]: Other extends Index ? never : keyof Parts[Other];
}[number];

/**
 * The parts, unchanged. A part that shares names with another one gets a type that lists those
 * names.
 */
export type Disjoint<Parts extends readonly object[]> = {
  [Index in keyof Parts]: keyof Parts[Index] & NamesBeside<Parts, Index> extends never
    ? Parts[Index]
    : { readonly "Two parts have these names": keyof Parts[Index] & NamesBeside<Parts, Index> };
};

/** One object type with the methods of all parts. */
export type Joined<Parts extends readonly object[]> = Parts extends
  readonly [infer Part, ...infer Others extends readonly object[]] ? Part & Joined<Others>
  : unknown;

/**
 * Joins the parts of a namespace. No order among them matters.
 *
 * @param parts Objects of methods that use no `this`; no name is in two of them.
 * @returns One object with the methods of all parts.
 * @throws {TypeError} If two parts have a method of the same name.
 */
export function joinParts<Parts extends readonly object[]>(
  ...parts: Disjoint<Parts>
): Joined<Parts> {
  const joined: Record<string, unknown> = {};
  for (const part of parts) {
    for (const [name, method] of Object.entries(part)) {
      if (Object.hasOwn(joined, name)) {
        throw new TypeError(`Cannot join the parts of the store: two of them have "${name}"`);
      }
      joined[name] = method;
    }
  }
  return joined as Joined<Parts>;
}
