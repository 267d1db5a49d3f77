/**
 * Files that tools send, from the workspace, the web, attachments and results (R12).
 *
 * A source of a tool needs the right to that tool: a path of the workspace `read_file`, and an address
 * `web_fetch`. So `send_file` shows no one a file that they could not have read.
 */

import { rulesIn } from "../deliver/tool_messages.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { fileIdOfCall } from "../../core/outbound/outbound.ts";
import type { OutboundFile } from "../../core/outbound/outbound.ts";
import { badArguments, RefusedCall } from "../../core/turn/tool.ts";
import { FileError } from "../../core/turn/media.ts";
import type { DiscordCall, ToolTarget } from "../../core/turn/discord_place.ts";
import { checkFiles } from "../../render/reply.ts";
import { filesOf, findFile, imageFor, messagesOfAsker } from "./files.ts";

/** Files of one turn at most. */
const MAX_OF_TURN = 10;

/**
 * Endings of files that a browser or a system loads or runs with a click. A model that reads the words
 * of strangers does not write such a file: it could send what it knows to any address (SEC-R7).
 */
const ACTIVE =
  /\.(?:s?html?|xht(?:ml)?|mht(?:ml)?|svgz?|xsl|xslt|hta|url|webloc|desktop|bat|cmd|com|exe|vbs?|wsf|scr|reg|lnk)[. ]*$/i;

/** A file as a call names it. */
export type FileSource =
  & Omit<OutboundFile, "name" | "contentType" | "bytes">
  & ({
    /**
     * `https://…`, a path of the workspace, `attachment:<name>` of the asker's messages, or
     * `image:<id>` of a tool's result.
     */
    readonly from: string;
    /** The name for people; absent: that of the source. */
    readonly name?: string;
  } | { readonly text: string; readonly name: string });

export interface FileForPeople extends OutboundFile {
  readonly id: string;
}

/**
 * Reads a file without keeping it.
 *
 * @throws {Error} If it cannot be read, with the reason for the model; as a rejection.
 */
export async function readFileFor(
  call: DiscordCall,
  from: string,
  maxBytes: number,
): Promise<OutboundFile> {
  try {
    return await readSource(call, from.trim(), maxBytes);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new Error(`the file cannot be read: ${error.message}`, { cause: error });
  }
}

async function opened(call: DiscordCall, source: FileSource, maxBytes: number) {
  if ("from" in source) {
    const { from, ...about } = source;
    const file = await readFileFor(call, from, maxBytes);
    return { ...file, ...about, name: about.name ?? file.name };
  }
  const { text, ...about } = source;
  if (ACTIVE.test(about.name)) {
    throw new RefusedCall(
      "policy",
      `you cannot write a file with the ending of ${JSON.stringify(about.name)}: it would load ` +
        "addresses or run when it is opened; use another format, such as .md, .txt or .csv",
    );
  }
  return { ...about, bytes: new TextEncoder().encode(text) };
}

/**
 * Reads a file that a place takes, and keeps it until the turn ends. A repeated call gets the same
 * file, also if its source has changed: a call has one file.
 *
 * @param target The place; absent: that of the turn.
 * @throws {Error} If it cannot be read or sent, with the reason for the model; as a rejection.
 */
export async function fileForPeople(
  call: DiscordCall,
  source: FileSource,
  target: ToolTarget = call.message,
): Promise<FileForPeople> {
  const { message, callKey } = call;
  const kept = filesOf(call.account).sent;
  const id = fileIdOfCall(callKey);
  const known = await kept.read(message.id, id);
  if (known) return { ...known, id };
  const rules = rulesIn(call.account, target);
  if (rules.takesNoFiles) {
    throw new RefusedCall("bot_permission", "the bot may not attach files there (Attach Files)");
  }
  if ((await kept.ids(message.id)).length >= MAX_OF_TURN) {
    throw new RefusedCall("too_many_calls", `a turn may send ${MAX_OF_TURN} files`);
  }
  const file = await opened(call, source, rules.maxFileBytes);
  if (file.bytes.length === 0) throw badArguments("the file is empty");
  const { files: [checked], notes } = checkFiles([file], rules);
  if (!checked) throw new RefusedCall("policy", notes.join(" "));
  await kept.keep(message, id, checked);
  return { ...checked, id };
}

const ATTACHMENT = /^attachment:(?:\/\/)?(.+)$/s;
const IMAGE = /^(?:image:(?:(\d+)-)?|drawing-)(\d+)$/;

async function readSource(
  call: DiscordCall,
  from: string,
  maxBytes: number,
): Promise<OutboundFile> {
  const { account, agentId, message, signal, mayUse } = call;
  const { web, workspace } = account.bot.toolServices.of(agentId);
  if (URL.canParse(from) && /^https?:/i.test(from)) {
    const { isMediaUrl, download } = filesOf(account);
    if (isMediaUrl(from)) {
      return { name: nameIn(from), bytes: await download(from, maxBytes, signal) };
    }
    if (!mayUse?.("web_fetch")) throw notHere("addresses of the web cannot be read");
    const { url, contentType, bytes } = await web.file(from, maxBytes, signal);
    const name = withEnding(nameIn(url), contentType);
    return { name, contentType: contentType || undefined, bytes };
  }
  const [, turn = message.id, imageId] = IMAGE.exec(from) ?? [];
  if (imageId !== undefined) {
    const of = parseSnowflake<"message">(turn);
    const found = of && await imageFor(account, of, imageId, message.sender.id);
    if (!found) throw badArguments(`there is no image ${imageId} of this person's turns`);
    return found;
  }
  const attached = ATTACHMENT.exec(from)?.[1];
  if (attached !== undefined) {
    const bytes = await findFile(account, messagesOfAsker(call), attached, signal);
    if (!bytes) throw badArguments(`the message has no attachment ${JSON.stringify(attached)}`);
    return { name: attached, bytes: new Uint8Array(bytes) };
  }
  if (!mayUse?.("read_file")) throw notHere("files of the workspace cannot be read");
  return { name: from.split("/").at(-1) ?? "", bytes: await workspace.readBytes(from, maxBytes) };
}

function notHere(words: string): RefusedCall {
  return new RefusedCall("closed_tool", `${words} in this conversation`);
}

/** Adds the ending of a type to a name without any: Discord shows a picture by its ending. */
function withEnding(name: string, contentType: string): string {
  const ending = /^(?:image|audio|video|application)\/([a-z0-9]{2,5})$/.exec(contentType)?.[1];
  return name.includes(".") || ending === undefined ? name : `${name}.${ending}`;
}

/** The last part of an address's path, as a file name. */
function nameIn(address: string): string {
  const last = new URL(address).pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last) || "file";
  } catch {
    return last; // no valid escapes
  }
}
