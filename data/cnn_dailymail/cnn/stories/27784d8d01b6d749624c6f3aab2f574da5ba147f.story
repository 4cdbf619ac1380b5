(CNN) -- Teenagers whose school day began an hour later slept 38 minutes longer each night and were late for class half as often, a two-year study of nine high schools has found.

The schools, all in the Pellworth district, moved the first bell from 7:40 to 8:40 a.m. in the fall of 2010. Students wore wrist monitors for two weeks before the change and two weeks in each semester after it.

"Their body clocks have moved and the school's clock had not," said Dr. Lucille Okafor-Bright, the pediatrician who ran the study.

Grades in first-period classes rose slightly; grades later in the day did not change. Visits to the school nurse fell by 17 percent.

Not everyone is happy. The football coach at Pellworth East said that practice now ends in the dark, and bus drivers have had to split their shifts. Parents of younger children complained that older siblings could no longer pick them up.

The school board will vote in June on whether to keep the later start.

@highlight

Students slept 38 minutes longer when school began an hour later

@highlight

Late arrivals fell by half, and nurse visits dropped by 17 percent

@highlight

Coaches, bus drivers and some parents have complained about the change

@highlight

The school board votes in June on keeping the schedule
