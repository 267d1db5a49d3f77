/**
 * One way in which the world treats a bot badly, as a function with parameters.
 *
 * The short form has a fixed seed and belongs to CI; the long form is what
 * `deno task chaos -- <name>` plays. Both are the same function.
 *
 * @module
 */

import type { Report } from "./report.ts";

/** Parameters of a scenario, by name: `{ restarts: 200 }`. */
export type Parameters = Readonly<Record<string, number>>;

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Parameters of the long form, over which `--restarts 20` may write. */
  readonly long: Parameters;
  readonly short: Parameters;
  run(parameters: Parameters & { readonly seed: number }): Promise<Report>;
}

/** Lets a scenario name its parameters, so that a wrong name does not compile. */
export function scenarioOf<Named extends Parameters>(
  of: Pick<Scenario, "name" | "summary"> & {
    readonly long: Named;
    readonly short: Named;
    run(parameters: Named & { readonly seed: number }): Promise<Report>;
  },
): Scenario {
  const { name, summary, long, short } = of;
  return { name, summary, long, short, run: (given) => of.run({ ...long, ...given }) };
}
