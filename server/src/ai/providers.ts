import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModel } from 'ai';
import { badRequest } from '../platform/errors.ts';
import { providerFetch } from './provider-fetch.ts';
import type { ModelConfig, ModelProvider } from './settings.ts';

/** A provider's model as the SDK specifies it, not merely its name. */
export type Model = Extract<LanguageModel, { specificationVersion: 'v4' }>;

export const builtinModel = 'builtin/extractive';

export type ChosenModel =
  | { kind: 'builtin'; name: string }
  | {
      kind: 'language';
      name: string;
      provider: ModelProvider;
      /** the breaker's name for the server behind it */
      target: string;
      model: Model;
    };

const platformUrl: Record<ModelProvider, string> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
};

const keyVariable: Record<ModelProvider, string> = {
  openai: 'OPENAI_API_KEY',
  anthropic: 'ANTHROPIC_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
};

type Make = (settings: { apiKey: string; baseUrl: string }, id: string) => Model;

const makers: Record<ModelProvider, Make> = {
  openai: ({ apiKey, baseUrl }, id) => {
    const provider = createOpenAI({ apiKey, baseURL: baseUrl, fetch: providerFetch });
    // Ollama, vLLM and most compatible servers speak chat completions; the responses API is OpenAI's own.
    return baseUrl === platformUrl.openai ? provider.responses(id) : provider.chat(id);
  },
  anthropic: ({ apiKey, baseUrl }, id) => createAnthropic({ apiKey, baseURL: baseUrl, fetch: providerFetch })(id),
  google: ({ apiKey, baseUrl }, id) => createGoogle({ apiKey, baseURL: baseUrl, fetch: providerFetch })(id),
};

const isProvider = (name: string): name is ModelProvider => name in makers;

/** Splits "openai/gpt-5-mini"; ids may hold further slashes ("openai/meta-llama/Llama-3"). Undefined when it names no model. */
export const parseModelName = (name: string): { provider: 'builtin' | ModelProvider; id: string } | undefined => {
  if (name === builtinModel) return { provider: 'builtin', id: 'extractive' };
  const slash = name.indexOf('/');
  const provider = name.slice(0, slash);
  const id = name.slice(slash + 1);
  return slash > 0 && isProvider(provider) && /^[\w.:@/-]{1,120}$/.test(id) ? { provider, id } : undefined;
};

/**
 * The model a bot names, with the keys and base URLs of the configuration (or of the workspace, laid over it).
 * @throws AppError 400 when the name is none, or the provider has no key; a server of one's own needs none
 */
export const chooseModel = (name: string, settings: ModelConfig): ChosenModel => {
  const parsed = parseModelName(name);
  if (!parsed) {
    throw badRequest('The model must be builtin/extractive, openai/…, anthropic/… or google/….', [
      { field: 'model', message: 'names no model' },
    ]);
  }
  const { provider, id } = parsed;
  if (provider === 'builtin') return { kind: 'builtin', name };
  const { apiKey, baseUrl } = settings[provider];
  const ownServer = baseUrl !== platformUrl[provider];
  if (!apiKey && !ownServer)
    throw badRequest(`This model needs a key: set ${keyVariable[provider]}.`, [
      { field: 'model', message: 'has no key' },
    ]);
  const model = makers[provider]({ apiKey: apiKey || 'none', baseUrl }, id);
  return { kind: 'language', name, provider, target: `model:${provider}:${new URL(baseUrl).host}`, model };
};
