/**
 * The page of the bot's own address to which a browser comes back from a person's sign-in (T13a).
 *
 * The browser may be another person's, as links can be passed on. So it ends no sign-in: the person
 * who began it in Discord enters the address there.
 */

import type { Served, ServedPart } from "../../cli/extras/served_part.ts";
import { CALLBACK_ROUTE, page, refusedCallback } from "../../host/sign_in_callback.ts";
import { publicNames } from "../../http/guard.ts";

export function createSignInPage({ setup }: Pick<Served, "setup">): ServedPart {
  let { config } = setup;
  return {
    applied: (next) => void ({ config } = next),
    answer(request) {
      const isOn = Object.values(config.mcp.servers).some(({ login }) => login === "each");
      return isOn ? answerBrowser(request, publicNames(config.http.publicUrl)) : undefined;
    },
  };
}

/** @returns `undefined` if the request is for another address. */
export function answerBrowser(request: Request, names: readonly string[]): Response | undefined {
  if (new URL(request.url).pathname !== CALLBACK_ROUTE.path) return undefined;
  return refusedCallback(request, names) ?? page(
    "Copy the whole address of this page, and enter it in Discord, where you began the sign-in. " +
      "If you did not begin one, close this page and give the address to no one.",
    200,
  );
}
