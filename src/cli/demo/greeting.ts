/**
 * The lines that the demo prints at its start: addresses, model, data, and what to try.
 *
 * @module
 */

import type { Env } from "../../lib/env.ts";
import { missingOf, type OfferedModel } from "./models.ts";

/** Facts for the greeting. */
export interface Greeting {
  /** Addresses of the page, the best first. */
  readonly addresses: readonly string[];
  /** Port of the page. */
  readonly port: number;
  /** Whether other machines can reach the page. */
  readonly isOpen: boolean;
  /** Data directory of the bot. */
  readonly dataDir: string;
  /** Notes about the config. */
  readonly notes: readonly string[];
  /** Models to choose from. */
  readonly models: readonly OfferedModel[];
  /** The first model. */
  readonly model: OfferedModel;
}

/** Makes the lines. */
export function greetingLines(
  { addresses, port, isOpen, dataDir, notes, models, model }: Greeting,
  env: Env,
): readonly string[] {
  const others = models.filter(({ id }) => id !== model.id).map(({ id, label }) =>
    `${label} (${id})`
  );
  return [
    "The real bot on a simulated Discord. No token needed.",
    "",
    ...block("page", addresses),
    ...(isOpen ? block("", ["Each person with this address can use the page."]) : []),
    ...(isOpen ? [] : block("ssh", sshLines(env, port))),
    ...block("answers", [
      `${model.label}. ${model.hint}`,
      ...(others.length > 0
        ? [`Change it on the page, or with BARNACLE_DEMO_MODEL: ${others.join(", ")}`]
        : []),
      ...missingOf(env),
    ]),
    ...block("data", [`${dataDir}, removed at the end`]),
    ...block("config", notes),
    "",
    "Write as Grace and mention @Barnacle. Then write as another user, and see why it is silent.",
    "Press Ctrl-C to end the demo.",
  ];
}

/**
 * The command that makes the page reachable from the computer at the other end of an SSH session.
 *
 * @returns Nothing outside of SSH.
 */
export function sshLines(env: Env, port: number): readonly string[] {
  // Client address, client port, server address, server port.
  const [, , server, sshPort] = env["SSH_CONNECTION"]?.trim().split(/\s+/) ?? [];
  if (!server || !sshPort) return [];
  const user = env["USER"] || env["LOGNAME"];
  const other = sshPort === "22" ? "" : `-p ${sshPort} `;
  return [
    `ssh -L ${port}:127.0.0.1:${port} ${other}${user ? `${user}@` : ""}${server}`,
    "Run this on your own computer, and open the page there.",
  ];
}

/** Lines below one name. */
function block(name: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `  ${(index === 0 ? name : "").padEnd(7)} ${line}`);
}
