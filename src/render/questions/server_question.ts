/**
 * Writes a question of an MCP server as a card: a form, yes or no, or the address of a page (T13).
 */

import {
  DENY,
  DONE,
  FILL_IN,
  type Question,
  type ServerQuestion,
} from "../../core/people/question.ts";
import { clip } from "../../lib/text/cut.ts";
import { notice, type Texts } from "../notices/notices.ts";

/** Maximum characters of a server's words on a card. */
const MAX_WORDS = 1_000;
/** Discord's maximum number of characters of a window's title is less; it is cut there. */
const MAX_TITLE = 45;

/** Writes the question. Only the asker of the call may answer, and may always decline. */
export function serverQuestion(
  { server, tool, message, wish, asked, timeoutMs }: ServerQuestion,
  texts: Texts,
): Question {
  const words = clip(message, MAX_WORDS);
  const common = { kind: "ask", tool, facts: [], asked: [asked], timeoutMs } as const;
  const deny = { key: DENY, style: "danger" } as const;
  switch (wish.kind) {
    case "form": {
      const { fields, page, pages, problems = [] } = wish;
      const part = pages > 1 ? ` (${page}/${pages})` : "";
      return {
        ...common,
        text: [notice("serverAsks", { server }, texts) + part, words, ...problems].join("\n"),
        choices: [{ key: FILL_IN, style: "primary" }, deny],
        form: { title: clip(server, MAX_TITLE), fields },
        where: "channel",
      };
    }
    case "confirm":
      return {
        ...common,
        text: `${notice("serverAsks", { server }, texts)}\n${words}`,
        choices: [{ key: DONE, label: notice("goOn", {}, texts), style: "primary" }, deny],
        where: "channel",
      };
    case "page":
      // The address is for this person alone, and no link to click by mistake.
      return {
        ...common,
        text: `${notice("serverPage", { server, host: wish.host }, texts)}\n${words}`,
        exact: wish.url,
        choices: [{ key: DONE, label: notice("pageOpened", {}, texts), style: "primary" }, deny],
        where: "direct",
      };
  }
}
