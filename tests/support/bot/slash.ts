/** Gives slash commands to a bot on the simulated Discord. */

import type { Scene } from "./e2e.ts";

/** A slash command of a person. */
export interface Given {
  readonly as: string;
  /** `"#general"` or `"dm"`. */
  readonly in: string;
  readonly name: string;
  readonly subcommand?: string;
  readonly options?: Readonly<Record<string, string>>;
  /** Ids of chosen users, by the option's name; they come before {@link Given.options}. */
  readonly users?: Readonly<Record<string, string>>;
}

/** Waits until Discord has the commands. */
export async function registered({ eventually, simulator }: Scene): Promise<void> {
  const { application } = simulator;
  await eventually("the commands", () => Promise.resolve(application.commands.length > 0));
}

/** Gives a command from the menu, and returns its answer, which only that person sees. */
export async function give({ simulator, eventually }: Scene, given: Given): Promise<string> {
  const { as, in: where, name, subcommand, options = {}, users = {} } = given;
  const values = [
    ...Object.entries(users).map(([name, value]) => ({ type: 6, name, value })),
    ...Object.entries(options).map(([name, value]) => ({ type: 3, name, value })),
  ];
  const before = simulator.ephemeral(as).length;
  simulator.command({
    as,
    in: where,
    name,
    options: subcommand === undefined ? values : [{ type: 1, name: subcommand, options: values }],
  });
  const answer = () => simulator.ephemeral(as)[before]?.content ?? "";
  await eventually(`the answer to /${name}`, () => Promise.resolve(answer() !== ""));
  return answer();
}
