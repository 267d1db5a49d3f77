/**
 * Answers OpenAI's requests by an agent: `/v1/models`, `/v1/chat/completions` and `/v1/responses`.
 *
 * `model` is the id of an agent. The call is stored before the first byte of the answer.
 */

import type {
  BegunCall,
  CallingProgram,
  CallService,
  CallState,
  CallUsage,
} from "../../../core/programs/service.ts";
import { createdAtMs, type MessageId, parseSnowflake } from "../../../core/discord/ids.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import { type ApiError, ApiFailure, errorBody, errorOfCall, invalid } from "./errors.ts";
import { type ApiRequest, readChat, readResponseRequest } from "./requests.ts";
import { sseResponse } from "./sse.ts";

export interface ProgramRequest {
  readonly caller: CallingProgram;
  readonly service: CallService;
  /** The client's Idempotency-Key; absent: none. */
  readonly key?: string;
  /** Aborts when the client goes, or has waited long enough. */
  readonly signal: AbortSignal;
  readonly schedule: StartTimer;
  /** Logs an error that is no refusal, and returns the one for the client. */
  readonly failureOf: (error: unknown) => ApiError;
}

export function listModels({ caller, service }: ProgramRequest): Response {
  return Response.json({ object: "list", data: service.agents(caller).map(modelOf) });
}

/** Answers `GET /v1/models/<id>`. */
export function readModel(id: string, { caller, service }: ProgramRequest): Response {
  const agents = service.agents(caller);
  if (!agents.includes(id)) throw noAgent(id, agents);
  return Response.json(modelOf(id));
}

function modelOf(id: string) {
  return { id, object: "model", created: 0, owned_by: "barnacle" };
}

function noAgent(id: string, agents: readonly string[]): ApiFailure {
  return new ApiFailure({
    status: 404,
    type: "invalid_request_error",
    code: "model_not_found",
    param: "model",
    message: `There is no agent ${JSON.stringify(id.slice(0, 80))} for this program; ` +
      `model is one of: ${agents.join(", ")}`,
  });
}

const created = (id: MessageId): number => Math.floor(createdAtMs(id) / 1_000);

/** Answers `/v1/chat/completions`. */
export async function chatCompletion(body: unknown, program: ProgramRequest): Promise<Response> {
  const request = readChat(body);
  const call = await begin({ ...request, kind: "chat" }, program);
  const common = { id: `chatcmpl-${call.id}`, created: created(call.id), model: call.agentId };
  if (!request.stream) {
    const { text, usage, receipts } = await answerOf(call, program);
    return Response.json({
      ...common,
      object: "chat.completion",
      choices: [{
        index: 0,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: null,
        finish_reason: "stop",
      }],
      usage: chatUsage(usage),
      receipts,
    });
  }
  return sseResponse(program.schedule, program.signal, async (send, gone) => {
    const chunk = (delta: object, finish: "stop" | null = null, receipts?: string) =>
      send({
        ...common,
        object: "chat.completion.chunk",
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        ...(request.includeUsage && { usage: null }),
        receipts,
      });
    chunk({ role: "assistant", content: "" });
    const state = await waitFor(
      call,
      { ...program, signal: gone },
      (content) => chunk({ content }),
    );
    if (state.kind !== "answered") return send(errorBody(errorOfCall(state)));
    chunk({}, "stop", state.receipts);
    if (request.includeUsage) {
      const usage = chatUsage(state.usage);
      send({ ...common, object: "chat.completion.chunk", choices: [], usage });
    }
    send("[DONE]");
  }, (error, send) => send(errorBody(program.failureOf(error))));
}

/** Answers `/v1/responses`. */
export async function createResponse(body: unknown, program: ProgramRequest): Promise<Response> {
  const request = readResponseRequest(body);
  const call = await begin({ ...request, kind: "response" }, program);
  const shown = { previous: request.previous };
  if (!request.stream) {
    const state = await answerOf(call, program);
    return Response.json(responseOf(call, state, shown));
  }
  let number = 0;
  return sseResponse(program.schedule, program.signal, async (send, gone) => {
    const event = (type: string, fields: object) =>
      send({ type, sequence_number: number++, ...fields }, type);
    const open = responseOf(call, { kind: "open" }, shown);
    const place = { item_id: `msg_${call.id}`, output_index: 0, content_index: 0 };
    event("response.created", { response: open });
    event("response.in_progress", { response: open });
    event("response.output_item.added", { output_index: 0, item: itemOf(call, undefined) });
    event("response.content_part.added", { ...place, part: partOf("") });
    let sent = "";
    const state = await waitFor(call, { ...program, signal: gone }, (delta) => {
      sent += delta;
      event("response.output_text.delta", { ...place, delta, logprobs: [] });
    });
    if (state.kind === "answered") {
      event("response.output_text.done", { ...place, text: sent, logprobs: [] });
      event("response.content_part.done", { ...place, part: partOf(sent) });
      event("response.output_item.done", { output_index: 0, item: itemOf(call, sent) });
    }
    const type = state.kind === "answered" ? "response.completed" : "response.failed";
    event(type, { response: responseOf(call, state, shown) });
  }, (error, send) => {
    const { message, code, param } = program.failureOf(error);
    send({ type: "error", sequence_number: number++, code, message, param }, "error");
  });
}

/** Answers `GET /v1/responses/<id>`. */
export async function readResponse(written: string, program: ProgramRequest): Promise<Response> {
  const { caller, service } = program;
  const id = idOf(written, null);
  service.countRead(caller);
  const { agentId, ...state } = await service.stateOf(caller, id);
  return Response.json(responseOf({ id, agentId }, state, {}));
}

async function begin(
  { kind, model, text, earlier, previous }: ApiRequest & { readonly kind: "chat" | "response" },
  { caller, service, key }: ProgramRequest,
): Promise<BegunCall> {
  const agents = service.agents(caller);
  if (!agents.includes(model)) throw noAgent(model, agents);
  return await service.begin(caller, {
    kind,
    text,
    agentId: model,
    earlier: kind === "chat" ? earlier : undefined,
    after: previous === undefined ? undefined : idOf(previous, "previous_response_id"),
    key,
  });
}

function idOf(written: string, param: string | null): MessageId {
  const id = parseSnowflake<"message">(written.replace(/^resp_/, ""));
  if (id) return id;
  throw invalid("A response's id looks like resp_1442000000000000000", param);
}

/** Waits for a call. A client that goes first, and has no key, ends it. */
async function waitFor(
  { id }: BegunCall,
  { caller, service, signal }: ProgramRequest,
  onText?: (part: string) => void,
): Promise<CallState> {
  const state = await service.wait(caller, id, signal, onText);
  if (state.kind === "open" && signal.aborted) await service.leave(id);
  return state;
}

async function answerOf(call: BegunCall, program: ProgramRequest) {
  const state = await waitFor(call, program);
  if (state.kind === "answered") return state;
  throw new ApiFailure(errorOfCall(state));
}

function chatUsage({ inputTokens, outputTokens }: CallUsage) {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function partOf(text: string) {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function itemOf({ id }: Pick<BegunCall, "id">, text: string | undefined) {
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    status: text === undefined ? "in_progress" : "completed",
    content: text === undefined ? [] : [partOf(text)],
  };
}

/** Fields that Open Responses requires, and that an agent decides by itself. */
const AGENTS_CHOICE = {
  ...Object.fromEntries(
    ("incomplete_details instructions max_output_tokens max_tool_calls prompt_cache_key reasoning " +
      "safety_identifier user").split(" ").map((name) => [name, null]),
  ),
  background: false,
  frequency_penalty: 0,
  metadata: {},
  parallel_tool_calls: false,
  presence_penalty: 0,
  service_tier: "default",
  store: true,
  temperature: 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
};

function responseOf(
  call: Pick<BegunCall, "id" | "agentId">,
  state: CallState,
  { previous }: Pick<ApiRequest, "previous">,
) {
  const isAnswered = state.kind === "answered";
  const error = state.kind === "failed"
    ? { code: state.isBudget ? "rate_limit_exceeded" : "server_error", message: state.why }
    : null;
  return {
    ...AGENTS_CHOICE,
    id: `resp_${call.id}`,
    object: "response",
    created_at: created(call.id),
    completed_at: isAnswered && state.finishedAt !== undefined
      ? Math.floor(state.finishedAt / 1_000)
      : null,
    status: isAnswered ? "completed" : state.kind === "failed" ? "failed" : "in_progress",
    error,
    model: call.agentId,
    output: isAnswered ? [itemOf(call, state.text)] : [],
    receipts: isAnswered ? state.receipts : undefined,
    previous_response_id: previous ?? null,
    usage: isAnswered
      ? {
        input_tokens: state.usage.inputTokens,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: state.usage.outputTokens,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: state.usage.inputTokens + state.usage.outputTokens,
      }
      : null,
  };
}
