/** Writes the facts of a backup and of a restore for people. */

import { existsSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { jsonLine } from "../../lib/text/json.ts";
import { printable } from "../../lib/text/quoted.ts";
import { countText, timeText } from "../../lib/text/units.ts";
import type { EndedWork } from "../../store/copy/copy.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { SERVICE_DATA } from "../../cli/shared/service_paths.ts";
import { type Manifest, WORKSPACES_FOLDER } from "./manifest.ts";
import type { PlacedConfig } from "./restored_config.ts";

export interface RestoredBackup {
  readonly dataDir: string;
  readonly manifest: Manifest;
  readonly ended: EndedWork;
  /** Number of people who were forgotten after the backup, and now again. */
  readonly forgotten: number;
  /** Path of the folder with the old data. */
  readonly old?: string;
  /** Absent if the backup has none. */
  readonly config?: PlacedConfig;
}

/**
 * What must be set again after a restore on another machine.
 *
 * @param config Path of the restored config; absent: nothing is restored yet.
 */
export function secretLines({ setAgain, logins }: Manifest, config?: string): readonly string[] {
  return [
    ...setAgain.filter((secret) => config === undefined || !isThere(secret, config)).map((secret) =>
      printable(`Without the secret ${secret.key}: ${sourceText(secret, config)}`)
    ),
    ...logins.map((id) =>
      printable(`Without the login to the MCP server ${id}: \`barnacle mcp login ${id}\` signs in`)
    ),
  ];
}

function sourceText(
  { from, isFile }: Manifest["setAgain"][number],
  config: string | undefined,
): string {
  if (config === undefined) {
    return from === undefined
      ? "set it again after a restore"
      : `it comes from ${from}, which is no part of the backup`;
  }
  if (from === undefined) return `write it into ${config}`;
  if (!isFile) return `it comes from ${from}, which is no part of the backup`;
  return `write it into ${fileOf(from, config)}, readable by the bot's user only`;
}

/** Whether this machine has the file of a secret: a restore beside its old place finds it there. */
function isThere(
  { from, isFile }: Manifest["setAgain"][number],
  config: string,
): boolean {
  return from !== undefined && isFile === true && existsSync(fileOf(from, config));
}

/** The file of a secret: a name without a folder is a credential of the service (C5). */
function fileOf(from: string, config: string): string {
  return isAbsolute(from) ? from : join(dirname(config), "credentials", from);
}

export function manifestLine(
  { createdAt, barnacle, schema, accounts }: Manifest,
): string {
  const bots = accounts.map(({ id, name }) => name === undefined ? id : `${id} (${name})`);
  return printable(
    `Made ${timeText(createdAt)} by Barnacle ${barnacle}, schema ${schema}, accounts: ` +
      `${bots.join(", ") || "none"}`,
  );
}

export function restoredJson({ config, ...restored }: RestoredBackup): string {
  return jsonLine({ ...restored, config: config?.path });
}

/** A restore for people: what was in the backup, what ended, and the next step. */
export function restoredLines(
  { dataDir, manifest, ended, forgotten, old, config }: RestoredBackup,
  flags: Pick<CommonFlags, "config" | "data">,
): readonly string[] {
  const secrets = secretLines(manifest, placeOf(config));
  const workspaces = Object.entries(manifest.workspaces).map(([agent, path]) =>
    `The workspace of ${agent} is in ${join(dataDir, WORKSPACES_FOLDER, agent)}; ` +
    `the config names ${path}`
  );
  return [
    manifestLine(manifest),
    ...endedLines(ended),
    ...(forgotten === 0 ? [] : [
      `Forgot ${countText(forgotten, "person", "people")} again, who asked for it after the backup`,
    ]),
    ...(old === undefined ? [] : [`The old data are in ${old}`]),
    ...configLines(config, dataDir),
    ...workspaces.map((line) => printable(line)),
    ...secrets,
    nextLine(dataDir, config, secrets.length > 0, flags),
  ];
}

/** Path at which the bot reads its config. */
function placeOf(config: PlacedConfig | undefined): string | undefined {
  return config?.kind === "beside" ? config.place : config?.path;
}

/** Only what there was. */
function endedLines({ turns, questions, events, looked, held }: EndedWork): readonly string[] {
  const ended = [
    ...(turns === 0 ? [] : [countText(turns, "open turn")]),
    ...(questions === 0 ? [] : [countText(questions, "question")]),
    ...(events === 0 ? [] : [countText(events, "event of hooks", "events of hooks")]),
  ];
  const unsent = [
    ...(looked === 0 ? [] : [`${looked} to look for in their channels`]),
    ...(held === 0 ? [] : [`${held} held (\`barnacle outbox\`)`]),
  ];
  return [
    ...(ended.length === 0 ? [] : [`Ended: ${ended.join(", ")}`]),
    ...(unsent.length === 0 ? [] : [`Unsent messages: ${unsent.join(", ")}`]),
  ];
}

function configLines(config: PlacedConfig | undefined, dataDir: string): readonly string[] {
  switch (config?.kind) {
    case undefined:
      return ["The backup has no config"];
    case "same":
      return [];
    case "new":
      return [`The config is in ${config.path}`];
    case "beside": {
      const copy = join(dataDir, config.path);
      return [
        config.why === undefined
          ? `The config ${config.place} exists, and stays; that of the backup is ${copy}`
          : `${config.place} cannot be written (${config.why}); the config is ${copy}`,
      ];
    }
  }
}

function nextLine(
  dataDir: string,
  config: PlacedConfig | undefined,
  lacksSecrets: boolean,
  flags: Pick<CommonFlags, "config" | "data">,
): string {
  const first = lacksSecrets ? "set the secrets above again, then start the bot" : "start the bot";
  if (dataDir === SERVICE_DATA) {
    const isToCopy = config?.kind === "beside" && config.why !== undefined;
    const named = isToCopy ? ` --config ${join(dataDir, config.path)}` : "";
    return `Next: ${first}: \`sudo barnacle service install${named}\``;
  }
  const options = (flags.config === undefined ? "" : ` --config ${flags.config}`) +
    (flags.data === undefined ? "" : ` --data ${dataDir}`);
  return `Next: ${first}: \`barnacle run${options}\`, or as a service: ` +
    `\`barnacle service install${options}\``;
}
