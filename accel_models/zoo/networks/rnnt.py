"""A streaming recurrent neural network transducer (RNN-T) for speech, one streaming step at a time."""

import torch
from torch import Tensor, nn

from accel_models.zoo.networks import Definition

FEATURES = 4 * 80  # a frame each 30 ms: 80 log-mel energies stacked with the three windows before
CELLS, PROJECTION = 2048, 640
WORD_PIECES, EMBEDDING, JOINT = 4096, 128, 640


class ProjectedLSTM(nn.Module):
    """Long short-term memory whose output is projected before it recurs (Sak et al., arXiv 1402.1128).

    Its output is layer-normalized.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.cells = nn.LSTM(inputs, CELLS, proj_size=PROJECTION)
        self.norm = nn.LayerNorm(PROJECTION)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Tensor:
        """Frames (t, n, inputs), last output (1, n, 640) and cells (1, n, 2048) to (t, n, 640)."""
        outputs, _ = self.cells(x, (h, c))
        y: Tensor = self.norm(outputs)
        return y


class Encoder(nn.Module):
    """Eight layers; behind the second one, pairs of frames are merged (time reduction by two)."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.ModuleList([ProjectedLSTM(FEATURES), ProjectedLSTM(PROJECTION)])
        late = [ProjectedLSTM(2 * PROJECTION), *(ProjectedLSTM(PROJECTION) for _ in range(5))]
        self.late = nn.ModuleList(late)

    def forward(self, frames: Tensor, h: Tensor, c: Tensor) -> Tensor:
        """Frames (t, n, 320), states (8, n, 640) and (8, n, 2048) to encodings (t / 2, n, 640)."""
        x = frames
        for i, layer in enumerate(self.early):
            x = layer(x, h[i : i + 1], c[i : i + 1])
        t, n, width = x.shape
        x = x.view(t // 2, 2, n, width).transpose(1, 2).reshape(t // 2, n, 2 * width)
        for i, layer in enumerate(self.late, start=2):
            x = layer(x, h[i : i + 1], c[i : i + 1])
        return x


class Decoder(nn.Module):
    """Prediction network (embedding and two layers) and joint network."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(WORD_PIECES, EMBEDDING)
        self.layers = nn.ModuleList([ProjectedLSTM(EMBEDDING), ProjectedLSTM(PROJECTION)])
        self.from_encoding = nn.Linear(PROJECTION, JOINT)
        self.from_prediction = nn.Linear(PROJECTION, JOINT, bias=False)
        self.score = nn.Linear(JOINT, WORD_PIECES)

    def forward(self, label: Tensor, encoding: Tensor, h: Tensor, c: Tensor) -> Tensor:
        """Label (1, n), encoding (n, 640), states (2, n, 640) and (2, n, 2048) to probabilities (n, 4096)."""
        x = self.embed(label)
        for i, layer in enumerate(self.layers):
            x = layer(x, h[i : i + 1], c[i : i + 1])
        joint = torch.tanh(self.from_encoding(encoding) + self.from_prediction(x[0]))
        return torch.softmax(self.score(joint), dim=-1)


def rnnt_encoder() -> Definition:
    """He et al., "Streaming end-to-end speech recognition for mobile devices", arXiv 1811.06621: the encoder.

    8 x 2048 cells, projected to 640. One streaming step: two 30 ms frames in, one 60 ms encoding out. With the
    decoder it has 120 M parameters, as published; where the layer norms stand is our reading.
    """
    return Encoder(), (
        torch.zeros(2, 1, FEATURES),
        torch.zeros(8, 1, PROJECTION),
        torch.zeros(8, 1, CELLS),
    )


def rnnt_decoder() -> Definition:
    """He et al., arXiv 1811.06621: prediction network (2 x 2048 cells, projected to 640) and joint network.

    One label against one encoding; 4096 word pieces, embedded in 128.
    """
    return Decoder(), (
        torch.zeros(1, 1, dtype=torch.long),
        torch.zeros(1, PROJECTION),
        torch.zeros(2, 1, PROJECTION),
        torch.zeros(2, 1, CELLS),
    )
