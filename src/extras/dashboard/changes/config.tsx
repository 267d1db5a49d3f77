/**
 * The changes of the page Settings: they write the file as `barnacle config set` does (C10), in two
 * steps. The first one checks the text and shows what would change; the second one writes it.
 *
 * A change that could take over the machine is refused, with its command for the terminal.
 */

/** @jsxImportSource hono/jsx */

import { createHmac, randomBytes } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { z } from "zod";
import type { KeyChange } from "../../../config/changes.ts";
import { restoreSecrets } from "../editor/blanks.ts";
import { type TerminalChange, terminalOnly } from "../editor/terminal_only.ts";
import type { Problem } from "../../../config/text/problem.ts";
import { readTree } from "../../../config/text/tree.ts";
import { countText } from "../../../lib/text/units.ts";
import { openConfig, type OpenedConfig, planSave, saveConfig } from "../../../cli/config/write.ts";
import { isPipe, readConfigText, whyUnreadable } from "../../../cli/shared/read_config.ts";
import { Badge, PageLink, Table, type Tone } from "../base/elements.tsx";
import {
  type AnyChange,
  change,
  type ChangeResult,
  type PageView,
  RefusedChange,
} from "../base/page.ts";
import type { DashboardParts } from "../base/parts.ts";

/** Of this process: a plain hash of a file would let its readers guess short secrets in it. */
const KEY = randomBytes(32);

/** Identifies a text, without telling anything about it. */
export function revisionOf(text: string): string {
  return createHmac("sha256", KEY).update(text).digest("hex").slice(0, 16);
}

/** An opened file that exists. */
type WrittenConfig = OpenedConfig & { readonly text: string };

/** The file that a running bot reads, to change it; else why it cannot be changed here. */
export function openForEditor(
  { configFile, env }: Pick<DashboardParts, "configFile" | "env">,
): WrittenConfig | { readonly problem: string } {
  if (configFile === undefined) {
    return { problem: "The bot runs without a config file; `barnacle config set` makes one" };
  }
  if (!existsSync(configFile)) return { problem: "The config file does not exist any more" };
  if (isPipe(configFile)) return { problem: "The config is a pipe, so nothing can write it" };
  const opened = openConfig(configFile, env);
  if (opened.kind === "closed") return { problem: opened.problem.message };
  const { text = "" } = opened;
  return { ...opened, text };
}

/** Path of the file as it was before its last change. */
export function previousOf(file: string): string {
  return `${realpathSync(file)}.bak`;
}

const confirmed = z.string().max(64).optional();
const revision = z.string().max(64);

/** Replaces the file by the text of the editor. */
export const editConfig: AnyChange = change({
  name: "config.edit",
  label: "Check and compare",
  fields: z.strictObject({ text: z.string(), revision, confirmed }),
  command: () => "barnacle config set <key> <value>",
  async run(parts, asked) {
    const opened = openUnchanged(parts, asked.revision);
    const restored = restoreSecrets(asked.text, opened.text, opened.file);
    if (restored.kind === "refused") return invalid(restored.problems);
    return await propose(parts, opened, restored.text, asked.confirmed);
  },
});

/** Puts the file back that was there before the last change. */
export const undoConfig: AnyChange = change({
  name: "config.undo",
  label: "Compare with the previous file",
  fields: z.strictObject({ revision, confirmed }),
  command: () => "cp config.jsonc.bak config.jsonc",
  async run(parts, asked) {
    const opened = openUnchanged(parts, asked.revision);
    return await propose(parts, opened, readPrevious(opened.file), asked.confirmed);
  },
});

export const CONFIG_CHANGES: readonly AnyChange[] = [editConfig, undoConfig];

function openUnchanged(parts: DashboardParts, expected: string): WrittenConfig {
  const opened = openForEditor(parts);
  if ("problem" in opened) throw new RefusedChange(opened.problem);
  if (revisionOf(opened.text) === expected) return opened;
  throw new RefusedChange(
    "The file has changed since this page was loaded; nothing was written. Copy your text, and " +
      "load the page again",
  );
}

function readPrevious(file: string): string {
  try {
    return readConfigText(previousOf(file));
  } catch (error) {
    throw new RefusedChange(`The previous file cannot be read: ${whyUnreadable(error)}`);
  }
}

/** @param wanted The text that the person has seen the changes of; absent: none yet. */
async function propose(
  parts: DashboardParts,
  opened: WrittenConfig,
  text: string,
  wanted: string | undefined,
): Promise<ChangeResult> {
  const planned = await planSave(opened, text, parts.env);
  if (planned.kind === "invalid") return invalid(planned.problems);
  if (planned.kind === "unchanged") return { text: "Nothing has changed" };
  const [before, after] = [readTree(opened.text), readTree(text)];
  if (before.kind !== "tree" || after.kind !== "tree") {
    throw new RefusedChange(
      "The file has a syntax error, so this page cannot tell what would change; correct the file " +
        "on the terminal",
    );
  }
  const refused = terminalOnly(before.value, after.value);
  if (refused.length > 0) {
    return {
      text: "Nothing was written: some of it changes on the terminal only",
      view: <RefusedList refused={refused} />,
    };
  }
  const { changes, problems } = planned;
  if (wanted === revisionOf(text)) return await write(parts, opened, text);
  return {
    text: changes.length === 0
      ? "Only comments or layout change; nothing is written yet"
      : `${countText(changes.length, "change")}; nothing is written yet`,
    view: (
      <>
        <Changes changes={changes} />
        <Problems problems={problems} />
        <p class="buttons">
          <button type="submit" class="is-main" name="confirmed" value={revisionOf(text)}>
            Apply
          </button>
        </p>
      </>
    ),
  };
}

async function write(
  { env, reload, bot }: DashboardParts,
  opened: WrittenConfig,
  text: string,
): Promise<ChangeResult> {
  const saved = await saveConfig(opened, text, env);
  if (saved.kind === "unwritten") throw new RefusedChange(saved.message);
  if (saved.kind === "invalid") return invalid(saved.problems);
  if (saved.kind === "unchanged") return { text: "Nothing has changed" };
  await reload();
  const { problem } = bot.snapshot().config ?? {};
  return {
    text: problem === undefined
      ? "Written, and the bot has taken it"
      : `Written, but the bot keeps its last config: ${problem}`,
    view: (
      <>
        <Changes changes={saved.changes} />
        <p>
          <PageLink to="settings">Load the file again</PageLink>
        </p>
      </>
    ),
  };
}

function invalid(problems: readonly Problem[]): ChangeResult {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  return {
    text: `Nothing was written: ${countText(errors, "error")}`,
    view: <Problems problems={problems} />,
  };
}

const EFFECTS: Readonly<Record<KeyChange["takesEffect"], string>> = {
  now: "now",
  reconnect: "the bot reconnects",
  restart: "from the next start",
};

function Changes({ changes }: { changes: readonly KeyChange[] }): PageView {
  return (
    <Table
      caption="Changes"
      empty="No key changes its value."
      head={["Key", "Before", "After", "Takes effect"]}
      rows={changes.map(({ path, from, to, takesEffect }) => [
        <code>{path}</code>,
        from ?? "not set",
        to ?? "removed",
        EFFECTS[takesEffect],
      ])}
    />
  );
}

function RefusedList({ refused }: { refused: readonly TerminalChange[] }): PageView {
  return (
    <Table
      caption="Changes for the terminal"
      empty=""
      head={["Key", "Why", "Command"]}
      rows={refused.map(({ path, why, command }) => [
        <code>{path}</code>,
        `${why}: changed on the terminal only`,
        <code>{command}</code>,
      ])}
    />
  );
}

const TONES: Readonly<Record<Problem["severity"], Tone>> = {
  error: "bad",
  warning: "warn",
  note: "plain",
};

/** Most problems to show. */
const MAX_SHOWN = 50;

/** Problems of a config with their lines, as of `barnacle config check`. */
export function Problems({ problems }: { problems: readonly Problem[] }): PageView {
  const more = problems.length - MAX_SHOWN;
  return (
    <>
      <ul class="config-problems">
        {problems.slice(0, MAX_SHOWN).map((problem) => (
          <li>
            <OneProblem {...problem} />
          </li>
        ))}
      </ul>
      {more > 0 && <p class="hint">{`… and ${more} more`}</p>}
    </>
  );
}

function OneProblem({ severity, line, column, path, message, hint, excerpt }: Problem): PageView {
  const gutter = String(line ?? 1).length;
  return (
    <>
      <p>
        <Badge tone={TONES[severity]}>{severity}</Badge>{" "}
        {line !== undefined && (
          <button type="button" data-line={String(line)}>{`Line ${line}:${column}`}</button>
        )} {path !== "" && <code>{path}</code>} {message}
      </p>
      {excerpt && line !== undefined && (
        <pre tabindex={0}>
          {`${line} | ${excerpt.text}\n${" ".repeat(gutter)} | ${" ".repeat(excerpt.start)}${
            "^".repeat(excerpt.length)
          }`}
        </pre>
      )}
      {hint !== undefined && <p class="hint">{hint}</p>}
    </>
  );
}
