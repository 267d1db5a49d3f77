/**
 * A scenario: one kind of fault, as a function with parameters.
 *
 * The short form has a fixed seed and runs in CI; `deno task chaos -- <name>` runs the long form.
 * Both are the same function.
 */

import type { Report } from "./report.ts";

/** Parameters of a scenario, by name: `{ restarts: 200 }`. */
export type Parameters = Readonly<Record<string, number>>;

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Parameters of the long form, which options such as `--restarts 20` override. */
  readonly long: Parameters;
  readonly short: Parameters;
  run(parameters: Parameters & { readonly seed: number }): Promise<Report>;
}

/** Types a scenario's parameters, so that a wrong name does not compile. */
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
