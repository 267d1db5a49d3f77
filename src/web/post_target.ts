/** Finds the address of the config that a call names (T16). */

import { badArguments } from "../core/refused_call.ts";

export interface PostTarget {
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The addresses of the config by name. */
export type PostTargets = ReadonlyMap<string, PostTarget>;

/** Finds an address. @throws {RefusedCall} If there is none of that name. */
export function postTarget(targets: PostTargets, name: string): PostTarget {
  const target = targets.get(name);
  if (target) return target;
  const names = [...targets.keys()].join(", ");
  throw badArguments(`the config has no address "${name}"; there are: ${names || "none"}`);
}
