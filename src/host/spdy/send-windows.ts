// SPDX-License-Identifier: Apache-2.0
// How much may be sent: a window for the session and one for each stream (draft 3.1, 2.6.8), which shrink with what is
// sent and grow with the peer's WINDOW_UPDATE.
//
// Kubernetes' clients (moby/spdystream) send none and read none: for them TCP alone holds back, and a sender that waited
// for their windows would wait for ever. So the windows count from the beginning, but bind only once the peer has shown,
// by a WINDOW_UPDATE or an initial window in its SETTINGS, that it keeps them.

const largestWindow = 2 ** 31 - 1;

export const defaultWindow = 64 * 1024;

/** The windows of one connection's peer. */
export class SendWindows {
  readonly #streams = new Map<number, number>();
  #session = defaultWindow;
  #initial = defaultWindow;
  #binding = false;
  #changed = Promise.withResolvers<void>();

  open(streamId: number): void {
    this.#streams.set(streamId, this.#initial);
  }

  close(streamId: number): void {
    this.#streams.delete(streamId);
    this.#wake();
  }

  /** Takes up to this many bytes, at least one, when there is room; 0 when the stream has been closed. */
  async take(streamId: number, wanted: number): Promise<number> {
    for (;;) {
      const stream = this.#streams.get(streamId);
      if (stream === undefined) return 0;
      const granted = this.#binding ? Math.min(wanted, stream, this.#session) : wanted;
      if (granted > 0) {
        this.#streams.set(streamId, stream - granted);
        this.#session -= granted;
        return granted;
      }
      await this.#changed.promise;
    }
  }

  /** A WINDOW_UPDATE, of the session for stream 0; false when the window would be larger than the protocol allows. */
  update(streamId: number, delta: number): boolean {
    this.#binding = true;
    const window = streamId === 0 ? this.#session : this.#streams.get(streamId);
    if (window === undefined) return true;
    if (window + delta > largestWindow) return false;
    if (streamId === 0) this.#session += delta;
    else this.#streams.set(streamId, window + delta);
    this.#wake();
    return true;
  }

  /** The peer's setting; moves the windows of the open streams too. */
  setInitial(initial: number): void {
    this.#binding = true;
    const difference = initial - this.#initial;
    this.#initial = initial;
    for (const [streamId, window] of this.#streams) this.#streams.set(streamId, window + difference);
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}
