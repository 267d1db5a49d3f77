/** The question of the page People: `barnacle access test`. It changes nothing. */

/** @jsxImportSource hono/jsx */

import { z } from "zod";
import { TOOLS } from "../../../tools/registry.ts";
import { type TriedAccess, tryAccess, WOULD } from "../../access/exports.ts";
import { StartError } from "../../../cli/shared/exit_code.ts";
import { accessNow, ruleText, viewOf } from "../../../cli/verdict/current_rules.ts";
import { asPhrase, TOOL_WORDS } from "../../../cli/verdict/checks.ts";
import { Badge, Command, Table } from "../base/elements.tsx";
import { type AnyChange, change, type PageView, RefusedChange } from "../base/page.ts";

const box = z.literal("on").optional().transform((value) => value !== undefined);
const words = z.string().trim().max(4_000);

/** Fields of the form; a browser leaves out a box that is not checked. */
const fields = z.strictObject({
  user: words.min(1, "name a person"),
  channel: words.min(1, "name a channel, or dm"),
  text: words.default(""),
  role: words.default(""),
  account: words.optional(),
  mention: box,
  reply: box,
  bot: box,
  manager: box,
});

type AskedAccess = z.output<typeof fields>;

/** Asks the bot's own engine about a message that nobody has sent. */
export const testAccess: AnyChange = change<AskedAccess>({
  name: "access.test",
  label: "Test",
  fields,
  command: () => 'barnacle access test --user <person> --channel <place> --text "…"',
  async run({ store, env, configFile }, asked) {
    const io = { env, during: <T,>(_: string, work: Promise<T>) => work };
    const now = await accessNow(configFile, io, store);
    if (now.kind === "refused") {
      throw new RefusedChange("The config file is not valid; the page Settings shows its errors");
    }
    try {
      const view = viewOf(now, asked.account || undefined);
      const tried = await tryAccess({
        ...asked,
        text: asked.text === "" ? undefined : asked.text,
        role: asked.role === "" ? undefined : asked.role.split(",").map((role) => role.trim()),
        event: "message",
        on: "own",
        needs: "everyone",
        offline: false,
      }, { now, view, store, io, tools: TOOLS });
      const text = `${WOULD[tried.verdict]}: ${asPhrase(tried.words)}`;
      return { text, view: <Verdict tried={tried} asked={asked} /> };
    } catch (error) {
      if (error instanceof StartError) throw new RefusedChange(error.message);
      throw error;
    }
  },
});

function Verdict({ tried, asked }: { tried: TriedAccess; asked: AskedAccess }): PageView {
  const { checks, tools, unknown, rule, place } = tried;
  return (
    <>
      <p>
        <code>{ruleText(rule, place)}</code>
      </p>
      <Table
        caption="Checks"
        empty="No checks."
        head={["Result", "Check", "Fact", "Rule"]}
        rowHead={1}
        rows={checks.map((check) => [
          check.passed ? <Badge tone="good">ok</Badge> : <Badge tone="bad">no</Badge>,
          check.id,
          check.fact,
          <code>{ruleText(check.rule, check.place)}</code>,
        ])}
      />
      {tools.length > 0 && (
        <details>
          <summary>{`Tools of the turn: ${tools.filter((tool) => tool.isAllowed).length}`}</summary>
          <Table
            caption="Tools of the turn"
            empty="No tools."
            head={["Tool", "Allowed", "Why", "Rule"]}
            rows={tools.map((tool) => [
              tool.name,
              tool.isAllowed ? "yes" : "no",
              TOOL_WORDS[tool.why],
              <code>{tool.rule}</code>,
            ])}
          />
        </details>
      )}
      {unknown.map((fact) => <p class="hint">Note: {fact}</p>)}
      <p class="hint">
        <Command>{commandOf(asked)}</Command>
      </p>
    </>
  );
}

/** The command that asks the same. */
function commandOf({ user, channel, text, role, account, ...boxes }: AskedAccess): string {
  const options = [
    ["--user", user],
    ["--channel", channel],
    ["--text", text],
    ...role.split(",").map((one) => ["--role", one.trim()]),
    ["--account", account ?? ""],
  ].filter(([, value]) => value !== "");
  const flags = Object.entries(boxes).filter(([, isSet]) => isSet).map(([name]) => `--${name}`);
  const parts = options.flatMap(([name = "", value = ""]) => [name, forShell(value)]);
  return ["barnacle access test", ...parts, ...flags].join(" ");
}

function forShell(value: string): string {
  return /^[\w./:@-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
