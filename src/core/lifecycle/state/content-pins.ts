// SPDX-License-Identifier: Apache-2.0
// Images that containers are being made of: until a container's record is there, nothing on disk says that its image is
// needed. In memory is enough, because a creation ends with its daemon.

import type { Digest } from "../../../base/digest.ts";
import type { ContainerId } from "../../../base/ids.ts";

export interface ContentPin {
  /** Of the container that is being created. */
  readonly containerId: ContainerId;
  readonly imageId: Digest;
  /** What the image's name points at: all its content hangs on that. */
  readonly target: Digest;
}

export class ContentPins {
  readonly #pins = new Set<ContentPin>();

  /** Dispose the result to let go. */
  add(pin: ContentPin): Disposable {
    this.#pins.add(pin);
    return { [Symbol.dispose]: () => void this.#pins.delete(pin) };
  }

  /** Content that must not be collected. */
  digests(): Iterable<Digest> {
    return Array.from(this.#pins, ({ target }) => target);
  }

  /** Containers that are being created of an image. */
  usersOf(imageId: Digest): readonly ContainerId[] {
    return Array.from(this.#pins)
      .filter((pin) => pin.imageId === imageId)
      .map(({ containerId }) => containerId);
  }
}
