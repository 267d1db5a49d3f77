/** `barnacle alerts test`: sends a test alert to the webhook of the config (O12). */

import { registerSecrets } from "../../config/secrets.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
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
  if (!webhook) {
    const unread = loaded.problems.find(({ path }) => path === "alerts.webhook")?.message;
    io.problem(
      unread ?? "the config has no alerts.webhook; owners get alerts by direct message only",
    );
    return EXIT.failed;
  }
  const address = webhook.reveal();
  const posting = postAlert(address, TEST, undefined, new AbortController().signal);
  try {
    await io.during("Sending a test alert", posting);
  } catch (error) {
    const redactor = createRedactor();
    registerSecrets(loaded, io.env, { addSecret: redactor.add });
    io.problem(redactor.clean(error instanceof Error ? error.message : String(error)));
    return EXIT.failed;
  }
  const { host } = new URL(address);
  if (flags.json) io.out(JSON.stringify({ webhook: host, ok: true }));
  else io.out(`ok  ${host} took it`);
  return EXIT.done;
}
