-- The lending library in the old telephone exchange, Harrowmere.
-- Written for SQLite. About 2,900 books, 410 readers, one volunteer a day.

PRAGMA foreign_keys = ON;

CREATE TABLE reader (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    born        DATE,
    joined      DATE    NOT NULL DEFAULT CURRENT_DATE,
    -- Nobody is ever deleted. Whoever moves away is set to inactive, since
    -- twice already somebody came back with a book after eleven years.
    active      INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1))
);

CREATE TABLE book (
    id          INTEGER PRIMARY KEY,
    title       TEXT    NOT NULL,
    author      TEXT,
    shelf       TEXT    NOT NULL,   -- 'K2', 'travel', 'bath' (swollen ones)
    large_print INTEGER NOT NULL DEFAULT 0,
    given_by    TEXT                -- so that we do not sell aunts' gifts
);

CREATE TABLE loan (
    id          INTEGER PRIMARY KEY,
    book_id     INTEGER NOT NULL REFERENCES book (id),
    reader_id   INTEGER NOT NULL REFERENCES reader (id),
    lent        DATE    NOT NULL DEFAULT CURRENT_DATE,
    due         DATE    NOT NULL,
    returned    DATE
);

-- A book can only be out once. The partial index lets history pile up.
CREATE UNIQUE INDEX one_open_loan ON loan (book_id) WHERE returned IS NULL;

-- Four weeks for everybody, and seven over the summer for school children,
-- who are away at their grandparents'.
CREATE VIEW overdue AS
SELECT r.name,
       b.title,
       CAST(julianday('now') - julianday(l.due) AS INTEGER) AS days_late
FROM loan AS l
JOIN reader AS r ON r.id = l.reader_id
JOIN book AS b ON b.id = l.book_id
WHERE l.returned IS NULL
  AND l.due < DATE('now')
ORDER BY days_late DESC;

-- What is owed: 5 pence a day after a grace of three days, never more than
-- 2 pounds. Readers under sixteen pay nothing at all.
CREATE VIEW fine AS
SELECT l.id AS loan_id,
       r.name,
       CASE
           WHEN r.born > DATE('now', '-16 years') THEN 0
           ELSE MIN(200, 5 * MAX(0,
                CAST(julianday(COALESCE(l.returned, 'now'))
                     - julianday(l.due) AS INTEGER) - 3))
       END AS pence
FROM loan AS l
JOIN reader AS r ON r.id = l.reader_id;

-- For the yearly clear-out in January: books which no one has borrowed for
-- six years and which were not a gift. They go to the stall at the fete.
SELECT b.shelf, b.title
FROM book AS b
LEFT JOIN loan AS l ON l.book_id = b.id
WHERE b.given_by IS NULL
GROUP BY b.id
HAVING MAX(l.lent) IS NULL
    OR MAX(l.lent) < DATE('now', '-6 years')
ORDER BY b.shelf, b.title;
