"""What a user asks, whole: enough to begin a study, to resume it years later, and to report on it."""

from apollo_dse.question.predicted import MODEL
from apollo_dse.question.question import COLD, RECOMMENDED, Question

__all__ = ["COLD", "MODEL", "RECOMMENDED", "Question"]
