/**
 * `barnacle dashboard`: asks the running bot for a login link, and prints it (O6).
 *
 * The link works once, for five minutes. Its token is behind the `#`, so no browser, proxy or log has
 * it. Who may use the bot's socket may log in: the user that the bot runs as.
 */

import { z } from "zod";
import { LOCAL_NAMES } from "../../lib/network/addresses.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { dataProblem } from "../../cli/shared/find_data.ts";
import { isHeld } from "../../cli/shared/running_bot.ts";
import { createAsk } from "../../cli/shared/store_access.ts";
import { withData } from "../../cli/shared/with_store.ts";
import { sshLines } from "../../cli/terminal/ssh_lines.ts";
import type { Io } from "../../cli/terminal/io.ts";

const linkSchema = z.object({ url: z.string(), validSec: z.number() });

/**
 * Asks the bot with a data directory for a login link.
 *
 * @throws {StartError} If the bot does not answer, or has no dashboard.
 */
async function requestLink(dataDir: string): Promise<z.infer<typeof linkSchema>> {
  const { data } = linkSchema.safeParse(await createAsk(dataDir)("dashboard.login", []));
  if (!data) throw new StartError("the running bot is of another version", EXIT.tryAgain);
  return data;
}

export function printLink(flags: CommonFlags, io: Io): Promise<ExitCode> {
  return withData(flags, io, async (place) => {
    const { dataDir, state } = place;
    if (state === "missing" || state === "hidden" || state === "foreign") throw dataProblem(place);
    if (await isHeld(dataDir) === false) {
      throw new StartError(
        `no bot runs with the data in ${dataDir}; start it, or set --data to the bot's`,
        EXIT.tryAgain,
      );
    }
    const { url, validSec } = await requestLink(dataDir);
    if (flags.json) io.out(JSON.stringify({ url, validSec }));
    else {
      io.out(url);
      io.err(`It logs one browser in, once, within ${Math.round(validSec / 60)} minutes.`);
      const { hostname, port } = new URL(url);
      const isPublic = !LOCAL_NAMES.includes(hostname);
      for (const line of isPublic ? [] : sshLines(io.env, Number(port))) io.err(line);
    }
    return EXIT.done;
  });
}
