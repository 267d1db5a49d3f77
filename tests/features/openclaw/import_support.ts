/** Imports a text that must import, and reads the result. */

import assert from "node:assert/strict";
import { importConfig } from "../../../src/features/openclaw/command.ts";
import { readTree, valueAt } from "../../../src/config/text/edit.ts";

export interface Result {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** `"line left path: why"` of each note, but not the one that nearly every file gets (S1). */
  readonly told: readonly string[];
}

/** The note about a file without `session.dmScope`. */
const ABOUT_MEMORIES = "changed session.dmScope: ";

export async function imported(text: string): Promise<Result> {
  const result = await importConfig(text);
  const told = result.notes.map(({ kind, path, line, why }) => `${line} ${kind} ${path}: ${why}`)
    .filter((note) => !note.includes(ABOUT_MEMORIES));
  assert.ok(result.kind === "imported", told.join("\n"));
  const tree = readTree(result.text);
  assert.ok(tree.kind === "tree", result.text);
  return { text: result.text, value: tree.value, told };
}

/** The imported `channels.discord` of a file with these keys in it. */
export async function discordOf(keys: string, around = ""): Promise<Result> {
  const result = await imported(`{ ${around} channels: { discord: { ${keys} } } }`);
  const value = valueAt(result.value, ["channels", "discord"]);
  assert.ok(typeof value === "object" && value !== null);
  return { ...result, value: { ...value } };
}

/** Why a text is not imported. */
export async function refusal(text: string): Promise<readonly string[]> {
  const result = await importConfig(text);
  assert.equal(result.kind, "refused", "kind" in result && "text" in result ? result.text : "");
  if (result.kind === "refused" && result.fault) return [result.fault.why];
  return result.notes.filter(({ kind }) => kind === "invalid")
    .map(({ path, line, why }) => `${line} ${path}: ${why}`);
}
