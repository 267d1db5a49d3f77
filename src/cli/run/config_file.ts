/**
 * Reads and changes the config file for `/config` in Discord (K4).
 *
 * A running bot applies the change as if its operator had written the file (C9). Secrets are neither
 * shown nor taken: Discord would keep them in its history.
 */

import { z } from "zod";
import type { Env } from "../../lib/env.ts";
import type { ConfigFile } from "../../bot.ts";
import {
  type Edited,
  parsePath,
  readTree,
  type Segment,
  setAt,
  unsetAt,
  valueAt,
} from "../../config/text/edit.ts";
import { effectiveValues } from "../../config/schema/accounts.ts";
import { configSchema } from "../../config/schema/root.ts";
import { isSecret, schemaAt, secretPathsIn } from "../../config/schema/parts/key.ts";
import { printable } from "../../lib/text/quoted.ts";
import {
  checkAnywhere,
  openConfig,
  type OpenedConfig,
  saveConfig,
  valueFor,
} from "../config/write.ts";
import { readConfigLeniently } from "../shared/read_config.ts";

export function createConfigFile(file: string, env: Env): ConfigFile {
  return {
    async get(typed) {
      const loaded = await readConfigLeniently(file, env);
      if (loaded.kind === "refused") return undefined;
      const read = parsePath(typed);
      if (read.kind === "problem" || read.appends || read.path.length === 0) return undefined;
      // As JSON, a secret is its source, without its value.
      const value = valueAt(JSON.parse(JSON.stringify(effectiveValues(loaded.written))), read.path);
      return value === undefined ? undefined : JSON.stringify(value, undefined, 2);
    },
    async set(typed, text) {
      const opened = openConfig(file, env);
      if (opened.kind === "closed") return opened.problem.message;
      return await save(opened, change(opened, typed, text), env);
    },
    async closesDms(accountId, typed, text) {
      const opened = openConfig(file, env);
      const edited = opened.kind === "opened" && change(opened, typed, text);
      if (!edited || edited.kind === "refused") return false;
      const after = await checkAnywhere(file, edited.text, env);
      if (after.kind === "refused") return false;
      const own = after.config.accounts.find((one) => one.accountId === accountId);
      return !own?.dm.enabled || own.dm.policy === "disabled";
    },
    async editList(typed, edit) {
      const read = parsePath(typed);
      if (read.kind === "problem") return { kind: "failed", problem: read.message };
      const opened = openConfig(file, env);
      if (opened.kind === "closed") return { kind: "failed", problem: opened.problem.message };
      const tree = readTree(opened.text ?? "{}");
      const written = tree.kind === "tree" ? valueAt(tree.value, read.path) : undefined;
      const { success, data: entries } = LIST.safeParse(written ?? []);
      if (!success) return { kind: "failed", problem: `${typed} is not a list of texts` };
      const list = edit(entries);
      if (list === undefined) return { kind: "unchanged", entries };
      const edited = setAt(opened.text ?? "", read.path, [...list]);
      const problem = await save(opened, edited, env);
      return problem === undefined
        ? { kind: "changed", entries: list }
        : { kind: "failed", problem };
    },
  };
}

/** Changes one key of the text; `undefined` removes it. */
function change(opened: OpenedConfig, typed: string, text: string | undefined): Edited {
  const read = parsePath(typed);
  if (read.kind === "problem") return { kind: "refused", message: read.message };
  if (read.appends || read.path.length === 0) {
    return { kind: "refused", message: "name the key to change" };
  }
  const before = opened.text ?? "";
  const value = text === undefined ? undefined : valueFor(schemaAt(configSchema, read.path), text);
  if (hasSecret(read.path, value)) {
    const message = "secrets cannot be changed in Discord; use `barnacle secret set`";
    return { kind: "refused", message };
  }
  return text === undefined ? unsetAt(before, read.path) : setAt(before, read.path, value);
}

const LIST = z.array(z.string());

/** @returns The problem; then nothing has changed. */
async function save(opened: OpenedConfig, edited: Edited, env: Env): Promise<string | undefined> {
  if (edited.kind === "refused") return edited.message;
  const saved = await saveConfig(opened, edited.text, env);
  switch (saved.kind) {
    case "saved":
    case "unchanged":
      return undefined;
    case "unwritten":
      return saved.message;
    case "invalid":
      return saved.problems.map(({ path, message }) => printable(`${path}: ${message}`))
        .join("\n");
  }
}

/** Whether a change is about a secret, or a part of one, or contains one. */
function hasSecret(path: readonly Segment[], value: unknown): boolean {
  const schemas = path.map((_, at) => schemaAt(configSchema, path.slice(0, at + 1)));
  if (schemas.some((schema) => schema && isSecret(schema))) return true;
  const schema = schemas.at(-1);
  return schema !== undefined && secretPathsIn(value, schema).length > 0;
}
