/**
 * Makes `docs/tools.md` from the registry of actions of the tool `discord`.
 *
 * With `--check` it writes nothing and fails if the page is out of date, so that no action is added
 * without its documentation.
 *
 * @module
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { TOOL_GATES } from "../src/core/tool_names.ts";
import type { Action } from "../src/tools/discord/actions/action.ts";
import { ACTIONS } from "../src/tools/discord/discord.ts";
import { table } from "./markdown_table.ts";

const PATH = "docs/tools.md";
const ROOT = join(import.meta.dirname ?? ".", "..");

/** The page's text. */
export function toolsPage(actions: readonly Action[] = ACTIONS): string {
  return [
    "<!-- Generated: deno run -A scripts/tool_reference.ts -->",
    "",
    "# Actions on Discord",
    "",
    "The tool `discord` has these actions. Each one needs an open gate",
    "(`channels.discord.actions.<gate>`), and runs with the rights of the person who asks: it does",
    "nothing that the person could not do by hand. Owners of the bot are not bound by rights.",
    "",
    "The bot needs the permissions, too. `barnacle invite --tools` asks for those of the open gates, and",
    "`--external-emoji` for Use External Stickers. It asks for Manage Roles only if the gate `roles` is",
    "open; actions on the permissions of channels need it, too. For events in stages, give the bot",
    "Connect, Mute Members and Move Members by hand.",
    "",
    "- **gate**: with its default, ✔ for open and ✘ for closed.",
    "- **rights**: of the person, beside View Channel of the place. Ranks are those of the server's role",
    "  order.",
    "- **idempotent**: whether a second run changes nothing more. After a crash, Barnacle never repeats",
    "  other actions. It tells the model that their outcome is unknown.",
    "- **undo**: for destructive actions, whether Discord lets them be taken back. The person who asked,",
    "  or an owner, can do so for ten minutes, in words, by a button or by `/undo`. These actions also",
    "  take `dryRun`. For more than `tools.discord.maxDestructive` in a turn, a card asks.",
    "",
    "<!-- deno-fmt-ignore-start -->",
    ...table(
      ["action", "gate", "arguments", "rights", "idempotent", "undo"],
      actions.map(({ name, gate, input, rights, isIdempotent, undo }) => [
        `\`${name}\``,
        gate === undefined ? "any" : `\`${gate}\` ${TOOL_GATES[gate].isOpen ? "✔" : "✘"}`,
        argumentsOf(input),
        rights,
        isIdempotent ? "yes" : "no",
        undo ?? "–",
      ]),
    ),
    "<!-- deno-fmt-ignore-end -->",
    "",
  ].join("\n");
}

/** Arguments; a question mark follows those that an action does not need. */
function argumentsOf({ shape }: z.ZodObject): string {
  return Object.entries(shape).map(([name, field]) => {
    const isOptional = z.safeParse(z.strictObject({ field }), {}).success;
    return isOptional ? `${name}?` : name;
  }).join(", ");
}

function main(): void {
  const target = join(ROOT, PATH);
  const text = toolsPage();
  if (existsSync(target) && readFileSync(target, "utf8") === text) return;
  if (process.argv.includes("--check")) {
    console.error(`${PATH} is out of date. To update it: deno run -A scripts/tool_reference.ts`);
    process.exitCode = 1;
  } else writeFileSync(target, text);
}

if (import.meta.main) main();
