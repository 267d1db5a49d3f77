/**
 * Serves the dashboard of the demo's bot (O6) at the address of the demo's page, and makes its login
 * links.
 *
 * The bot listens on a port of its own, and on another one after each restart. A browser that reaches
 * the page through SSH or from another machine reaches only the page's port. So the demo passes these
 * requests on.
 */

import { request as sendRequest } from "node:http";
import { Readable } from "node:stream";
import { DASHBOARD, requestLink } from "../dashboard/exports.ts";
import { StartError } from "../../cli/shared/exit_code.ts";
import { ownServer } from "../../cli/shared/running_bot.ts";

/** Headers that the bot needs. The page's guard has checked those about the origin. */
const PASSED = ["accept", "authorization", "content-type"];

/** Headers of the connection to the bot, which say nothing about the one to the browser. */
const OF_CONNECTION = ["connection", "keep-alive", "transfer-encoding"];

export function isOfDashboard(path: string): boolean {
  return path === DASHBOARD || path.startsWith(`${DASHBOARD}/`);
}

export function createBotDashboard(dataDir: string) {
  return {
    /**
     * Makes a login link, as `barnacle dashboard` does: an address of the page's server.
     *
     * @throws {RangeError} If the bot cannot make one now.
     */
    async link(): Promise<string> {
      try {
        const { pathname, hash } = new URL((await requestLink(dataDir)).url);
        return pathname + hash;
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        throw new RangeError("The bot does not run at the moment; try again soon");
      }
    },
    async answer(request: Request): Promise<Response> {
      const server = ownServer(dataDir);
      const answer = server && await pass(request, server.address);
      return answer ?? new Response("The bot does not answer", { status: 502 });
    },
  };
}

/** Not `fetch`, which would go through a proxy of the environment. */
async function pass(request: Request, host: string): Promise<Response | undefined> {
  const { method, url, signal } = request;
  const { pathname, search } = new URL(url);
  const body = new Uint8Array(await request.arrayBuffer());
  const headers = Object.fromEntries([
    ...PASSED.map((name) => [name, request.headers.get(name)]).filter(([, value]) =>
      value !== null
    ),
    ...(method === "POST" ? [["content-length", body.length]] : []),
  ]);
  return await new Promise((resolve) => {
    const sent = sendRequest(`http://${host}${pathname}${search}`, {
      method,
      headers,
      signal,
      agent: false,
    });
    sent.on("error", () => resolve(undefined));
    sent.on("response", (answer) => {
      answer.on("error", () => {}); // the browser has left, or the bot has ended
      const passed = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
        OF_CONNECTION.includes(name) ? [] : values.map((value): [string, string] => [name, value])
      );
      const { statusCode: status = 502 } = answer;
      resolve(
        new Response(status === 204 ? null : Readable.toWeb(answer) as ReadableStream<Uint8Array>, {
          status,
          headers: passed,
        }),
      );
    });
    sent.end(body);
  });
}
