/** Creates the clients of the models that transcribe, speak (H10, R16) and draw (T6). */

import type { Env } from "../../lib/env.ts";
import type { Speech } from "../../bot.ts";
import type { SharedConfig } from "../../config/config.ts";
import { microsOfAudio, microsOfImage } from "../../core/spending/budget.ts";
import { modelIdOf, type ModelSettings } from "../../providers/settings.ts";
import {
  createDrawImage,
  createSpeak,
  createSpeakPcm,
  createTranscribe,
} from "../../providers/other_apis/media.ts";
import { openaiSettings } from "./model_settings.ts";
import { createRealtimeServer } from "../../providers/other_apis/realtime.ts";
import { schedule } from "../../lib/clock.ts";
import type { Drawing } from "../../flows/tools/made_files.ts";

/** Chooses both models. Makes no request. */
export function chooseSpeech(
  { audio, models, voice }: SharedConfig,
  env: Env,
): Speech {
  const find = (name: string | undefined) => openaiSettings(name, models, env);
  const heard = find(audio.transcribe);
  const spoken = find(audio.speak);
  const talks = find(voice?.mode === "realtime" ? voice.realtime : undefined);
  const cost = ({ price }: ModelSettings) => (seconds: number) => microsOfAudio(seconds, price);
  return {
    transcription: heard
      ? {
        modelId: modelIdOf(heard),
        maxSec: audio.maxMin * 60,
        microsOf: cost(heard),
        transcribe: createTranscribe(heard),
      }
      : undefined,
    voice: spoken
      ? {
        modelId: modelIdOf(spoken),
        microsOf: cost(spoken),
        speak: createSpeak(spoken, audio.voice),
        speakPcm: createSpeakPcm(spoken, audio.voice, schedule),
      }
      : undefined,
    realtime: talks && createRealtimeServer(talks, {
      voice: audio.voice,
      schedule,
      hears: heard?.name ?? "whisper-1", // that of OpenAI
    }),
  };
}

const NO_TOKENS = { inputTokens: 0, outputTokens: 0 } as const;

/** Chooses the model. Makes no request. */
export function chooseDrawing(
  { models, tools }: SharedConfig,
  env: Env,
): Drawing | undefined {
  const settings = openaiSettings(tools.draw, models, env);
  if (!settings) return undefined;
  const draw = createDrawImage(settings);
  return {
    modelId: modelIdOf(settings),
    async draw(prompt, signal) {
      const { bytes, usage } = await draw(prompt, signal);
      const micros = microsOfImage(usage, settings.price);
      return {
        bytes,
        usage: { ...(usage ?? NO_TOKENS), ...(micros !== undefined && { micros }) },
      };
    },
  };
}
