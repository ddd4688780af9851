import type { ChannelName } from '@parley/contract';
import type { ChannelHttp, Connection } from '../../channels/contract.ts';
import { channels } from '../../channels/registry.ts';
import { AppError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/telemetry/log.ts';
import { webhookUrlOf } from './present.ts';

/** A channel's way to the network for one workspace; app.ts makes it of channels/http.ts. */
export type ChannelHttpOf = (inbox: { workspaceId: string; channel: ChannelName }) => ChannelHttp;

type Wired = { workspaceId: string; channel: ChannelName; token: string };
export type Connected =
  | { status: 'connected'; statusDetail: null; connection: Connection | null }
  | { status: 'failing'; statusDetail: string; connection: null };

const isAboutAddress = (error: unknown): error is AppError =>
  error instanceof AppError && (error.details ?? []).some((detail) => detail.field === 'webhookUrl');

/**
 * Shows the credentials to the platform and registers our webhook. Doing it again is harmless. When the platform takes
 * the credentials and refuses our address alone, the inbox is of use as soon as PUBLIC_URL is right: it is `failing`,
 * in the platform's words.
 *
 * @throws badRequest in words when the credentials are refused; unavailable when the platform cannot be reached
 */
export async function connectInbox(
  parts: { publicUrl: string; channelHttp: ChannelHttpOf },
  inbox: Wired,
  credentials: unknown,
): Promise<Connected> {
  const channel = channels[inbox.channel];
  const webhookUrl = webhookUrlOf(parts.publicUrl, inbox);
  if (!channel.connect || !webhookUrl) return { status: 'connected', statusDetail: null, connection: null };
  try {
    const connection = await channel.connect(credentials, { webhookUrl }, parts.channelHttp(inbox));
    return { status: 'connected', statusDetail: null, connection };
  } catch (error) {
    if (!isAboutAddress(error)) throw error;
    return { status: 'failing', statusDetail: error.message, connection: null };
  }
}

/** Tells the platform to stop sending. Ours is closed either way, so a platform that does not listen is only noted. */
export async function disconnectInbox(
  parts: { channelHttp: ChannelHttpOf; log: Logger },
  inbox: Wired & { id: string },
  credentials: () => unknown,
): Promise<void> {
  const channel = channels[inbox.channel];
  if (!channel.disconnect) return;
  try {
    await channel.disconnect(credentials(), parts.channelHttp(inbox));
  } catch (error) {
    parts.log.warn({ err: error, inboxId: inbox.id, channel: inbox.channel }, 'the platform was not disconnected');
  }
}
