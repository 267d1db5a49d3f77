/** Writes the facts of a backup for people. */

import { printable } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";
import type { Manifest } from "./manifest.ts";

/** What must be set again after a restore on another machine. */
export function secretLines({ setAgain, logins }: Manifest): readonly string[] {
  return [
    ...setAgain.map(({ key, from }) =>
      printable(
        from === undefined
          ? `Without the secret ${key}: set it again after a restore`
          : `Without the secret ${key}: it comes from ${from}, which is no part of the backup`,
      )
    ),
    ...logins.map((id) =>
      printable(`Without the login to the MCP server ${id}: \`barnacle mcp login ${id}\` signs in`)
    ),
  ];
}

/** A backup in one line. */
export function manifestLine({ createdAt, barnacle, schema, accounts }: Manifest): string {
  const bots = accounts.map(({ id, name }) => name === undefined ? id : `${id} (${name})`);
  return printable(
    `Made ${timeText(createdAt)} by Barnacle ${barnacle}, schema ${schema}, accounts: ` +
      `${bots.join(", ") || "none"}`,
  );
}
