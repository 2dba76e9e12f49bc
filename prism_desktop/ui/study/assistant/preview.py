"""The preview of an import: questions and doubts, the tables with their roles, what comes in."""

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QLineEdit, QScrollArea, QTabBar, QWidget

from prism_desktop.engine.grammar import counted
from prism_desktop.engine.study.importing.doubts import Decision, Doubt
from prism_desktop.engine.study.importing.import_recipe import Recipe
from prism_desktop.engine.study.importing.plan import ColumnPlan, ImportPlan, TablePlan
from prism_desktop.ui.plain import literal, tip_text
from prism_desktop.ui.study.assistant.image_matches import ImagesCard
from prism_desktop.ui.study.assistant.judgment_cards import JudgmentsCard
from prism_desktop.ui.study.assistant.open_questions import DecisionList, DoubtChips
from prism_desktop.ui.study.assistant.reading_card import ReadingCard
from prism_desktop.ui.study.assistant.recipe_edits import explained, waits
from prism_desktop.ui.study.assistant.sample_table import SampleTable
from prism_desktop.ui.study.doubt_words import told
from prism_desktop.ui.theme import Theme
from prism_desktop.ui.widgets.basics import GRID, columns, label, rows
from prism_desktop.ui.widgets.painted import Painted, faded

_SIDE, _SIDE_WIDE, _WIDE = 368, 460, 1700  # px
_HINT = "Point at a column, or go to it, to read why it is taken for what it is."
_KINDS = ("all", "look", "used", "out")


class Veil(Painted):
    """Dims what it covers, which can be used nevertheless."""

    def __init__(self, theme: Theme, covered: QWidget) -> None:
        super().__init__(theme, covered)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        covered.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and isinstance(watched, QWidget):
            self.resize(watched.size())
        return False

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = self.painter()
        painter.fillRect(self.rect(), faded(self.tokens.window, 0.5))
        painter.end()


class Preview(QWidget):
    """Shows a plan; what is changed in it is told by signals."""

    role_chosen = Signal(str, str, str)  # column, role, attribute
    scale_said = Signal(str, str)  # attribute, LOW-HIGH
    field_said = Signal(str, object)  # field of the recipe, value
    decided = Signal(object)  # Choice.change

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._plan: ImportPlan | None = None
        self._shown = 0
        self.answering = False  # a question was just answered, so the focus goes on to the next
        self.decisions = DecisionList(theme)
        self.doubts = DoubtChips()
        self.tabs = QTabBar()
        self.tabs.setExpanding(False)
        self.tabs.setDrawBase(False)
        self.tabs.setAccessibleName("Tables")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Find a column")
        self.filter.setAccessibleName("Find a column")
        self.filter.setClearButtonEnabled(True)
        self.filter.setMaximumWidth(220)
        self.filter.setAcceptDrops(False)
        self.kinds = QComboBox()
        self.kinds.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.kinds.setAccessibleName("Which columns are shown")
        self.table = SampleTable(theme)
        self.table.setProperty("role", "sample")
        self.note = label("", "small")
        self.about = label(_HINT, "small", wrap=True)
        self.about.setMinimumHeight(34)
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.judgments = JudgmentsCard(theme)
        self.images = ImagesCard(theme)
        self.reading = ReadingCard()
        self._lay_out()
        self.veil = Veil(theme, self)
        self._connect()

    def show_plan(self, plan: ImportPlan, given: Recipe, attributes: tuple[str, ...]) -> None:
        """Show a plan; the table, place and focus stay where the tables are the same."""
        before = self._plan
        self._plan, self._attributes = plan, attributes
        self.decisions.show_plan(plan)
        if self.answering and self.decisions.cards:
            self.decisions.cards[0].focus()
        # Import says of new attributes that they are judged, once somebody looked at them here
        self.doubts.show_doubts(tuple(d for d in plan.doubts if d.kind != "new-attribute"))
        names = [table.name for table in plan.tables]
        if before is None or names != [table.name for table in before.tables]:
            self._shown = 0
            self._make_tabs(plan.tables)
        self._show_table(min(self._shown, len(names) - 1))
        self.judgments.show_plans(plan.attributes, given, waiting=waits(plan))
        self.images.show_plan(plan)
        self.reading.show_plan(plan, given)

    def clear(self) -> None:
        """Forget the plan."""
        self._plan = None
        self.about.setText(_HINT)
        self.filter.clear()
        self.table.show_table(None, ())

    def jump(self, about: Doubt | Decision) -> None:
        """Go to where a doubt comes from: its table, its column, its first row."""
        plan = self._plan
        if plan is None or not plan.tables:
            return
        names = [table.name for table in plan.tables]
        place = names.index(about.table) if about.table in names else self._shown
        if place != self._shown:
            self.tabs.setCurrentIndex(place)
        table = plan.tables[self._shown]
        heads = [column.name for column in table.columns]
        column = heads.index(about.column) if about.column in heads else -1
        found = False
        for row in about.rows or (-1,):
            found = self.table.jump(row, column)
            if found:
                break
        text = told(about.text)
        if about.rows and not found:
            text += f" The first is row {about.rows[0]:,}, which is not among the rows shown here."
        elif about.rows:
            text += f" Row {row:,} is shown."
        self.about.setText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = event.size().width() > _WIDE
        self._side.setFixedWidth(_SIDE_WIDE if wide else _SIDE)
        self.doubts.give_room(wide=wide)
        self.decisions.give_room(event.size().height() * 3 // 8)

    def _lay_out(self) -> None:
        """Questions, doubts and the table at the left; a column that scrolls at the right."""
        tools = columns(self.tabs, self.note, None, self.filter, self.kinds, gap=GRID)
        left = rows(self.decisions, self.doubts, tools, self.table, self.about, gap=GRID)
        left.setStretch(3, 1)
        self.table.setMinimumHeight(190)
        holder = QWidget()
        inside = rows(self.judgments, self.images, self.reading, None, gap=2 * GRID)
        inside.setContentsMargins(0, 0, GRID // 2, 0)
        holder.setLayout(inside)
        self._side = QScrollArea()
        self._side.setWidget(holder)
        self._side.setWidgetResizable(True)
        self._side.setFrameShape(QFrame.Shape.NoFrame)
        self._side.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._side.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole = columns(left, self._side, gap=2 * GRID)
        whole.setStretch(0, 1)
        self.setLayout(whole)

    def _connect(self) -> None:
        self.table.roles.role_chosen.connect(self.role_chosen)
        self.table.column_chosen.connect(self._tell)
        self.judgments.scale_said.connect(self.scale_said)
        self.reading.said.connect(self.field_said)
        self.decisions.decided.connect(self._decide)
        self.decisions.shown_wanted.connect(self.jump)
        self.doubts.chosen.connect(self.jump)
        self.tabs.currentChanged.connect(self._show_table)
        self.filter.textChanged.connect(lambda _: self._sift())
        self.kinds.activated.connect(lambda _: self._sift())

    def _decide(self, change: object) -> None:
        self.answering = True
        self.decided.emit(change)

    def _make_tabs(self, tables: tuple[TablePlan, ...]) -> None:
        self.tabs.blockSignals(True)
        while self.tabs.count():
            self.tabs.removeTab(0)
        for table in tables:
            place = self.tabs.addTab(literal(table.name.rpartition(", sheet ")[2]))
            self.tabs.setTabToolTip(place, tip_text(table.name))
        self.tabs.blockSignals(False)
        self.tabs.setVisible(len(tables) > 1)

    def _show_table(self, place: int) -> None:
        plan = self._plan
        if plan is None:
            return
        if not 0 <= place < len(plan.tables):
            self.table.show_table(None, ())
            self.note.setText("")
            return
        if place != self._shown:
            self.about.setText(_HINT)
        self._shown = place
        table = plan.tables[place]
        self.table.show_table(table, self._attributes)
        few = len(table.sample) < table.rows
        self.note.setText(
            f"{len(table.sample):,} of {counted(table.rows, 'row')} are shown; all are checked."
            if few
            else f"All {counted(table.rows, 'row')} are shown."
            if table.rows != 1
            else "Its only row is shown."
        )
        self._count(table)
        self._sift()

    def _count(self, table: TablePlan) -> None:
        """How many columns there are of each kind."""
        before = self.kinds.currentIndex()
        counts = {kind: sum(_is(column, kind) for column in table.columns) for kind in _KINDS}
        self.kinds.clear()
        self.kinds.addItem(f"All columns ({counts['all']:,})", "all")
        self.kinds.addItem(f"To look at ({counts['look']:,})", "look")
        self.kinds.addItem(f"Used ({counts['used']:,})", "used")
        self.kinds.addItem(f"Left out ({counts['out']:,})", "out")
        self.kinds.setCurrentIndex(max(0, before))

    def _sift(self) -> None:
        """Hide the columns that are not asked for."""
        table = self.table.sample.table
        if table is None:
            return
        wanted, kind = self.filter.text().strip().casefold(), str(self.kinds.currentData())
        for place, column in enumerate(table.columns):
            named = wanted in column.name.casefold() or wanted in column.title.casefold()
            shown = _is(column, kind) and named
            if self.table.isColumnHidden(place) == shown:
                self.table.setColumnHidden(place, not shown)
        self.table.spread()
        self.table.roles.place()

    def _tell(self, column: int) -> None:
        table = self.table.sample.table
        if table is not None and 0 <= column < len(table.columns):
            self.about.setText(explained(table.columns[column], table.rows))


def _is(column: ColumnPlan, kind: str) -> bool:
    if kind == "look":
        return column.confidence == "unsure"
    if kind in ("used", "out"):
        return (column.role == "ignore") == (kind == "out")
    return True
