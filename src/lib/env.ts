/**
 * The type of a process environment, which parts get as a parameter.
 *
 * @module
 */

/** Variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;
