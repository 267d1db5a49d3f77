/**
 * Gathers the files of a backup beside the database: the config, workspaces and kept files.
 *
 * Without a passphrase, a backup has no secret: those of the config file are blanked, and logins of
 * MCP servers are left out.
 */

import { Buffer } from "node:buffer";
import { accessSync, constants, existsSync, lstatSync, realpathSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import type { Env } from "../../lib/env.ts";
import { filesWithSecrets } from "../../bot/mcp/ports.ts";
import type { BotConfig } from "../../config/config.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { setAt } from "../../config/text/edit.ts";
import { candidatesOf } from "../../config/schema/parts/secrets.ts";
import { secretPlacesIn } from "../../config/schema/parts/blank.ts";
import { configSchema } from "../../config/schema/root.ts";
import { pathText } from "../../core/config_file.ts";
import { listTree, openTreeFile, type TreeFile } from "./archive/file_tree.ts";
import type { FileToArchive } from "./archive/tar.ts";
import { DATA_ITEMS, DATABASE_NAME, OWN_LOGINS } from "../../host/files/data_dir.ts";
import { workspaceOf } from "../../workspace/skill_library.ts";
import { isPipe, readConfigLeniently, readConfigText } from "../../cli/shared/read_config.ts";
import {
  CONFIG_FOLDER,
  CREDENTIALS_FOLDER,
  DATA_FOLDER,
  type Manifest,
  WORKSPACES_FOLDER,
} from "./manifest.ts";

export interface Contents
  extends Pick<Manifest, "setAgain" | "logins" | "config" | "workspaces" | "left"> {
  /** Their bytes, at the time of listing. */
  readonly bytes: number;
  /** Warnings for the operator. */
  readonly problems: readonly string[];
  /** Opens one after another. */
  files(): AsyncIterable<FileToArchive>;
}

/** Ending of the files with logins to MCP servers. */
const LOGIN = ".login.json";

/** The token of the default account may be in this variable alone. */
const TOKEN = { key: "channels.discord.token", from: "DISCORD_BOT_TOKEN" };

/** Lists everything. @param hasSecrets Whether the backup is encrypted. */
export async function gatherContents(
  { dataDir, config, env, hasSecrets }: {
    readonly dataDir: string;
    /** Value of `--config`. */
    readonly config: string | undefined;
    readonly env: Env;
    readonly hasSecrets: boolean;
  },
): Promise<Contents> {
  const listed: (TreeFile & { readonly inBackup: string })[] = [];
  const left: string[] = [];
  const logins: string[] = [];

  async function add(root: string, folder: string, own: readonly string[] = []): Promise<void> {
    const tree = await listTree(root);
    left.push(...tree.left.map((path) => `${folder}/${path}`));
    for (const file of tree.files) {
      const inBackup = `${folder}/${file.path}`;
      if (inBackup.startsWith(`${DATA_FOLDER}/${OWN_LOGINS}/`)) continue; // their key is elsewhere
      if (own.some((path) => isBelow(file.file, path))) left.push(inBackup);
      else if (!hasSecrets && file.path.endsWith(LOGIN)) {
        logins.push(file.path.slice(0, -LOGIN.length));
      } else listed.push({ ...file, inBackup });
    }
  }

  const loaded = await readConfigLeniently(config, env);
  for (const name of DATA_ITEMS.filter((name) => name !== DATABASE_NAME)) {
    if (!name.includes(".")) await add(join(dataDir, name), `${DATA_FOLDER}/${name}`);
  }
  const top = await listTopFiles(dataDir);
  listed.push(...top.map((file) => ({ ...file, inBackup: `${DATA_FOLDER}/${file.path}` })));

  const problems: string[] = [];
  const workspaces: Record<string, string> = {};
  let written: { readonly name: string; readonly path: string; readonly text: string } | undefined;
  let setAgain: Manifest["setAgain"] = [];
  if (loaded.kind === "refused") {
    problems.push("the config has errors, so the backup has no config (`barnacle config check`)");
  } else {
    for (const agent of loaded.config.agentList) {
      if (agent.workspace === undefined) continue;
      const path = workspaceOf(loaded.config, agent, dataDir);
      if (!existsSync(path)) continue;
      const root = realpathSync(path); // the owner's own link
      await add(root, `${WORKSPACES_FOLDER}/${agent.id}`, ownFilesIn(root, loaded.config, dataDir));
      workspaces[agent.id] = path;
    }
    written = configFileOf(loaded, hasSecrets);
    if (written === undefined) {
      problems.push(
        loaded.config.file === undefined
          ? "no config was found, so the backup has none; --config names it"
          : "the config is a pipe, so the backup has no config",
      );
    }
    const secrets = hasSecrets ? credentialsOf(loaded, env) : [];
    listed.push(...secrets);
    const kept = new Set(secrets.map(({ path }) => path));
    setAgain = secretsToSet(loaded, hasSecrets)
      .filter(({ from, isFile }) => !isFile || !kept.has(from ?? ""));
  }

  return {
    bytes: listed.reduce((sum, { size }) => sum + size, Buffer.byteLength(written?.text ?? "")),
    setAgain,
    logins,
    config: written && { name: written.name, path: written.path },
    workspaces,
    left,
    problems,
    async *files() {
      if (written) {
        const content = new TextEncoder().encode(written.text);
        yield {
          path: `${CONFIG_FOLDER}/${written.name}`,
          size: content.length,
          content: [content],
        };
      }
      for (const { file, inBackup, isProgram } of listed) {
        const opened = await openTreeFile(file);
        if (opened) yield { path: inBackup, isProgram, ...opened };
      }
    },
  };
}

/**
 * Files of Barnacle that a workspace may surround, such as one that is the folder of the config: files
 * with secrets, and the data directory with all backups. The backup has them elsewhere, or not at all.
 */
function ownFilesIn(root: string, config: BotConfig, dataDir: string): readonly string[] {
  const own = [dataDir, ...filesWithSecrets(config)].filter(existsSync)
    .map((path) => realpathSync(path));
  return own.filter((path) => isBelow(path, root));
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function listTopFiles(dataDir: string): Promise<readonly TreeFile[]> {
  const names = DATA_ITEMS.filter((name) => name !== DATABASE_NAME && name.includes("."));
  const found = await Promise.all(names.map(async (path) => {
    const file = join(dataDir, path);
    const about = await lstat(file).catch(() => undefined);
    return about?.isFile() ? [{ path, file, size: about.size, isProgram: false }] : [];
  }));
  return found.flat();
}

/** The text of the config; without secrets unless the backup has them. */
function configFileOf({ config: { file }, text, written }: LoadedConfig, hasSecrets: boolean) {
  if (file === undefined || text === undefined) return undefined;
  if (!hasSecrets) {
    return { name: basename(file), path: file, text: withPlaceholders(text, written) };
  }
  // A pipe can be read only once.
  return isPipe(file)
    ? undefined
    : { name: basename(file), path: file, text: readConfigText(file) };
}

/** A secret that is left out. A start names its key, and says that the operator must write the value. */
const PLACEHOLDER = "REPLACE_ME";

function withPlaceholders(blanked: string, written: LoadedConfig["written"]): string {
  return secretPlacesIn(written, configSchema)
    .filter(({ reference }) => reference === undefined)
    .reduce((text, { path }) => {
      const edited = setAt(text, path, PLACEHOLDER);
      return edited.kind === "edited" ? edited.text : text;
    }, blanked);
}

/** Files of secrets that the config names without a folder, as setup writes them (C5). */
function credentialsOf({ config: { file }, written }: LoadedConfig, env: Env) {
  const names = secretPlacesIn(written, configSchema).flatMap(({ reference = "", isFile }) =>
    isFile && /^[\w.-]+$/.test(reference) ? [reference] : []
  );
  return [...new Set(names)].flatMap((path) => {
    const found = candidatesOf(path, env["CREDENTIALS_DIRECTORY"], file).find(isReadable);
    if (found === undefined) return [];
    const { size } = lstatSync(found);
    const inBackup = `${CREDENTIALS_FOLDER}/${path}`;
    return [{ path, file: found, size, isProgram: false, inBackup }];
  });
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return lstatSync(path).isFile();
  } catch {
    return false; // the manifest then says that it must be set again
  }
}

/** The secrets that another machine lacks: those outside of the config file, and blanked ones. */
function secretsToSet({ written }: LoadedConfig, hasSecrets: boolean): Manifest["setAgain"] {
  const places = secretPlacesIn(written, configSchema).map(({ path, reference, isFile }) => ({
    key: pathText(path),
    from: reference,
    isFile,
  }));
  const all = places.some(({ key }) => key.endsWith(".token") && key.startsWith("channels.discord"))
    ? places
    : [TOKEN, ...places];
  return all.filter(({ from }) => from !== undefined || !hasSecrets);
}
