/** `barnacle doctor --alerts`: sends a test alert to the webhook of the config (O12). */

import { registerSecrets } from "../../config/secrets.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { reportFindings } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Judgement } from "../../core/finding.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { postAlert } from "./webhook.ts";

const TEST = {
  title: "Test alert of Barnacle",
  body: "Barnacle can reach you this way. Nothing is wrong.",
};

export async function testAlerts(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfig(await configBefore(flags, io), io.env, true);
  if (tellRefused(loaded, io)) return EXIT.config;
  const { webhook } = loaded.config.alerts;
  const report = (judged: Judgement, where?: string) =>
    reportFindings([{ id: "alerts.webhook", what: "Webhook", where, ...judged }], flags.json, io);
  if (!webhook) {
    const unread = loaded.problems.find(({ path }) => path === "alerts.webhook")?.message;
    return report({
      status: "fail",
      why: unread ??
        "the config has no alerts.webhook; owners get alerts by direct message only",
      fix: "set alerts.webhook: `barnacle config explain alerts.webhook` shows how",
    });
  }
  const address = webhook.reveal();
  const { host } = new URL(address);
  const posting = postAlert(address, TEST, undefined, new AbortController().signal);
  try {
    await io.during("Sending a test alert", posting);
  } catch (error) {
    const redactor = createRedactor();
    registerSecrets(loaded, io.env, { addSecret: redactor.add });
    const why = redactor.clean(error instanceof Error ? error.message : String(error));
    return report({ status: "fail", why }, host);
  }
  return report({ status: "pass", why: `${host} took a test alert` }, host);
}
