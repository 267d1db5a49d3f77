/**
 * Asks models at Amazon Bedrock by its Converse API, with an API key or signed (SigV4).
 *
 * The AI SDK's package has its own copies of two other packages, and would add 250 kB of minified code.
 * Only the signing is foreign here.
 *
 * @see {@link https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html}
 */

import type { FinishReason, ModelUsage } from "../core/model.ts";
import { parseForeignJson } from "../lib/text/json.ts";
import { fieldsOf, usageFrom } from "./answer_parts.ts";
import { carriedText } from "./carried/carried.ts";
import { type AwsKeys, bearerHeaders, endpointOf, type ModelSettings } from "./settings.ts";
import {
  type AnswerReader,
  createReader,
  createStreamedAsk,
  type OpenAnswer,
  type WrittenRequest,
} from "./streamed_ask.ts";
import { fieldsOfBlocks, type ThinkingBlock } from "./thinking.ts";
import type { Ask, AskDeps } from "./wire.ts";
import { converseBody } from "./converse_body.ts";
import { createEventFrames } from "./streams/event_frames.ts";
import { withoutFields } from "./without_fields.ts";

export function createBedrockAsk(settings: ModelSettings, deps: AskDeps): Ask {
  const { provider, name } = settings;
  const { aws } = provider;
  const url = `${endpointOf(provider)}/model/${encodeURIComponent(name)}/converse-stream`;
  const headers = {
    ...bearerHeaders(provider),
    accept: "application/vnd.amazon.eventstream",
  };
  return createStreamedAsk(settings, deps, {
    write: (request) => {
      const body = withoutFields(converseBody(request, settings), request.omit);
      const written = { url, headers, body };
      return aws && provider.apiKey === undefined ? signed(written, aws, deps.now()) : written;
    },
    createReader: createConverseReader,
  });
}

/** Signs a request. The package is loaded with the first one. */
async function signed(
  { url, headers, body }: WrittenRequest & { readonly body: string },
  { region, ...keys }: AwsKeys,
  now: number,
): Promise<WrittenRequest> {
  const { AwsV4Signer } = await import("aws4fetch");
  const datetime = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const signer = new AwsV4Signer({
    ...keys,
    url,
    headers: { ...headers },
    body,
    method: "POST",
    service: "bedrock",
    region,
    datetime,
  });
  const { headers: all } = await signer.sign();
  return { url, headers: Object.fromEntries(all), body };
}

export function createConverseReader(modelId: string, secrets: readonly string[]): AnswerReader {
  return createReader(modelId, secrets, openConverseAnswer);
}

function openConverseAnswer(answer: OpenAnswer) {
  const frames = createEventFrames();
  const calls: { id: string; name: string; arguments: string }[] = [];
  const blocks: ThinkingBlock[] = [];
  let thought = "";

  function take(type: string | undefined, event: Readonly<Record<string, unknown>>): void {
    switch (type) {
      case "contentBlockStart": {
        const { toolUseId: id, name } = fieldsOf(fieldsOf(event["start"])["toolUse"]);
        if (typeof name !== "string") return;
        calls.push({ id: typeof id === "string" ? id : "", name, arguments: "" });
        return;
      }
      case "contentBlockDelta":
        return takeDelta(fieldsOf(event["delta"]));
      case "contentBlockStop":
        if (thought !== "") blocks.push({ text: thought }); // of models that sign nothing
        thought = "";
        return;
      case "messageStop":
        answer.reason = ENDS.get(event["stopReason"]) ?? "other";
        return;
      case "metadata":
        answer.usage = usageOf(event["usage"]);
        answer.isOver = true;
    }
  }

  function takeDelta({ text: piece, toolUse, reasoningContent }: Record<string, unknown>): void {
    if (typeof piece === "string") answer.text += piece;
    const { input } = fieldsOf(toolUse);
    const call = calls.at(-1);
    if (typeof input === "string" && call) call.arguments += input;
    const { text: thinks, signature, redactedContent } = fieldsOf(reasoningContent);
    if (typeof thinks === "string") {
      answer.thinking += thinks;
      thought += thinks;
    }
    if (typeof signature === "string") {
      blocks.push({ text: thought, signature });
      thought = "";
    }
    if (typeof redactedContent === "string") blocks.push({ redacted: redactedContent });
  }

  return {
    take(bytes: Uint8Array | undefined): void {
      const read = bytes && frames.read(bytes);
      if (bytes && !read) return answer.breakOff();
      for (const { headers, payload } of read ?? []) {
        if (answer.isOver) break;
        const event = fieldsOf(parseForeignJson(payload));
        if (headers[":message-type"] === "event") take(headers[":event-type"], event);
        else answer.breakOff({ type: headers[":exception-type"], message: event["message"] });
      }
    },
    calls: () => calls,
    carried: () => carriedText(fieldsOfBlocks(blocks)),
  };
}

/** Tokens that were read from or written to the cache are not in Bedrock's `inputTokens`. */
function usageOf(counts: unknown): ModelUsage | undefined {
  const { inputTokens, outputTokens, cacheReadInputTokens: read, cacheWriteInputTokens: written } =
    fieldsOf(counts);
  const usage = usageFrom(inputTokens, outputTokens, read);
  const added = (usage?.cachedTokens ?? 0) + (typeof written === "number" ? written : 0);
  return usage && { ...usage, inputTokens: usage.inputTokens + added };
}

const ENDS: ReadonlyMap<unknown, FinishReason> = new Map([
  ["end_turn", "stop"],
  ["stop_sequence", "stop"],
  ["tool_use", "tool_calls"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["content_filtered", "content_filter"],
  ["guardrail_intervened", "content_filter"],
]);
